"""``cnn-tui evaluate RUN``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    # They bring NumPy along.
    from cnn_tui.engine.insight.calibration import Calibration
    from cnn_tui.engine.insight.confusion import EverySplit
    from cnn_tui.engine.insight.evaluation import EvaluationReport

_MOST_CLASSES = 12
"""Classes up to which the whole matrix is printed."""
_MOST_PAIRS = 5
_BAR = 24
_SLIGHT = 0.02
"""Gap between confidence and accuracy that is not worth a word."""


@click.command("evaluate")
@click.argument("run", shell_complete=completing.runs)
@options.data
@options.data_dir
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test", "all"]),
    help="Which images (default: test; all of other data than that of the training).",
)
@click.option("--state", metavar="STATE", help="best (default), last, a step or a checkpoint.")
@options.skip_damaged
@options.threads
@options.as_json
@options.runs_dir
def command(
    run: str,
    data: str | None,
    data_dir: Path | None,
    split: EverySplit | None,
    state: str | None,
    skip_damaged: bool,
    threads: int,
    as_json: bool,
    runs_dir: Path,
) -> None:
    """Measure the network of RUN on the test images, or on other data.

    Prints loss, accuracy, figures of each class, which classes are confused, and whether the
    network is right as often as its probabilities say.
    """
    from cnn_tui.engine.insight.evaluation import evaluate_run
    from cnn_tui.engine.insight.subject import Subject
    from cnn_tui.tui.cli.loading import progress_shown

    folder = open_run(runs_dir, run)
    with progress_shown(suffix="%") as tell:
        subject = Subject.of_run(folder, state, data, data_dir, threads, skip_damaged=skip_damaged)
        with closing(subject):
            watcher = Watcher(lambda share: tell("images", round(100 * share), 100))
            report = evaluate_run(subject, split, watcher=watcher)
    for note in report.notes:
        print_note(note)
    if as_json:
        print_json(report)
    else:
        _print(report)


def _print(report: EvaluationReport) -> None:
    which = "all images" if report.split == "all" else f"{report.split} images"
    print_line(f"{report.run} ({report.state}) on {report.images:,} {which} of {report.data}")
    print_line(
        f"accuracy {report.accuracy:.2%}, balanced {report.balanced_accuracy:.2%}, loss "
        f"{report.loss:.4f}; always {report.largest_class} would be right for "
        f"{report.largest_share:.1%}"
    )
    print_line("")
    rows = [
        (one.name, _percent(one.precision), _percent(one.recall), f"{one.support:,}")
        for one in report.per_class
    ]
    header = ("class", "precision", "recall", "images")
    print_table(header, rows, right=header[1:])
    print_line("")
    _print_confused(report)
    if report.calibration:
        print_line("")
        _print_calibration(report.calibration, report.accuracy)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _print_confused(report: EvaluationReport) -> None:
    names = [one.name for one in report.per_class]
    if len(names) <= _MOST_CLASSES:
        header = ("true \\ given", *names)
        rows = [
            (name, *(f"{count:,}" if count else "." for count in row))
            for name, row in zip(names, report.matrix, strict=True)
        ]
        print_table(header, rows, right=names)
        return
    wrong = sorted(
        (-count, row, column)
        for row, counts in enumerate(report.matrix)
        for column, count in enumerate(counts)
        if count and row != column
    )
    pairs = [(names[row], names[column], f"{-n:,}") for n, row, column in wrong[:_MOST_PAIRS]]
    if pairs:
        print_line("confused most often:")
        print_table(("true", "given", "images"), pairs, right=("images",))


def _print_calibration(found: Calibration, accuracy: float) -> None:
    """Print a line for each interval of the confidence: right as ``#``, confident up to ``|``."""
    gap = found.confidence - accuracy
    words = "too sure" if gap > _SLIGHT else "too unsure" if gap < -_SLIGHT else "about right"
    print_line(
        f"calibration error (ECE) {found.ece:.2%}, largest {found.mce:.1%}: probabilities are "
        f"{found.confidence:.1%} on average, {words}"
    )
    rows = [
        (
            f"{part.low:.0%} to {part.high:.0%}",
            f"{part.confidence:.1%}",
            f"{part.accuracy:.1%}",
            f"{part.images:,}",
            _bar(part.accuracy, part.confidence),
        )
        for part in found.bins
    ]
    header = ("probability", "mean", "right", "images", "# right, | mean")
    print_table(header, rows, right=header[1:4])


def _bar(accuracy: float, confidence: float) -> str:
    cells = list("#" * round(accuracy * _BAR))
    mark = min(_BAR - 1, round(confidence * _BAR))
    cells += " " * (mark + 1 - len(cells))
    cells[mark] = "|"
    return "".join(cells)
