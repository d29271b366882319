"""``cnn-tui baselines``: the ladder from k-NN to a ConvNet on one dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cnn_tui.engine.baselines.ladder import Ladder, LadderEvent, PairsCompared, RungStarted
from cnn_tui.engine.baselines.neighbours import KNN
from cnn_tui.engine.baselines.recipes import BASELINES, Baseline
from cnn_tui.engine.baselines.record import Rung
from cnn_tui.engine.baselines.screens import Metric
from cnn_tui.engine.data.catalog import locate
from cnn_tui.engine.data.folder import DEFAULT_SHAPE
from cnn_tui.engine.data.progress import Progress
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunStarted
from cnn_tui.tui.cli import options
from cnn_tui.tui.cli.headless import stopped_by_signals
from cnn_tui.tui.cli.loading import load, progress_shown
from cnn_tui.tui.cli.output import print_json, print_line, print_table

_HEADER = ("baseline", "test accuracy", "training", "prediction", "parameters", "settings", "run")
_BAR = 30
"""Length of a bar of 100%."""


@click.command("baselines")
@click.option("--data", metavar="NAME", default="digits", show_default=True, help="The dataset.")
@options.data_dir
@options.skip_damaged
@click.option("--only", type=click.Choice(BASELINES), multiple=True, help="May be repeated.")
@click.option("--epochs", type=click.IntRange(1, 100_000), metavar="N", help="Of every network.")
@click.option("--seed", type=click.IntRange(0, 2**53 - 1), default=0, show_default=True)
@click.option("--metric", type=click.Choice(("l2", "l1")), default="l2", show_default=True)
@click.option("--k", type=click.IntRange(1), metavar="K", help="Default: by cross-validation.")
@options.threads
@options.runs_dir
@click.option("--json", "as_json", is_flag=True, help="Print one baseline per line as JSON.")
def command(
    data: str,
    data_dir: Path | None,
    skip_damaged: bool,
    only: tuple[Baseline, ...],
    epochs: int | None,
    seed: int,
    metric: Metric,
    k: int | None,
    threads: int | None,
    runs_dir: Path,
    as_json: bool,
) -> int:
    """Train and test k-NN, linear SVM, linear softmax, a two-layer net and a ConvNet.

    Each is kept among the runs. What is there already is not done again; a training that was
    interrupted goes on.
    """
    name, data_dir = locate(data, data_dir)
    ladder = Ladder(
        load(name, data_dir, DEFAULT_SHAPE, skip_damaged=skip_damaged),
        name,
        runs_dir,
        data_dir,
        epochs,
        seed,
        KNN(metric, k),
        threads,
        tuple(baseline for baseline in BASELINES if not only or baseline in only),
    )
    control, done = Control(), list[Rung]()
    with stopped_by_signals(control) as received, _progress() as emit:
        for rung in ladder.climb(emit, control):
            done.append(rung)
            if as_json:
                print_json(rung)
            else:
                print_line(_sentence(rung))
    if not as_json and len(done) > 1:
        _print_ladder(done)
    return 128 + received[0] if received else 0


@contextmanager
def _progress() -> Iterator[Callable[[LadderEvent], None]]:
    with progress_shown() as tell:
        yield _Told(tell)


class _Told:
    """Turns what happens on a rung into progress."""

    def __init__(self, tell: Progress) -> None:
        self._tell, self._baseline, self._steps = tell, "", 0

    def __call__(self, event: LadderEvent) -> None:
        match event:
            case RungStarted():
                self._baseline = event.baseline
            case PairsCompared():
                millions = event.done // 10**6, event.total // 10**6
                self._tell(f"{self._baseline}, {event.phase}, million pairs", *millions)
            case RunStarted():
                self._steps = event.epochs * event.batches
            case BatchCompleted():
                self._tell(f"{self._baseline}, steps", event.step, self._steps)


def _sentence(rung: Rung) -> str:
    before = ", done before" if rung.done_before else ""
    return (
        f"{rung.baseline}: {rung.test_accuracy:.2%} of {rung.test_images:,} test images right "
        f"({_settings(rung)}{before})"
    )


def _settings(rung: Rung) -> str:
    if rung.baseline == "knn":
        return f"{rung.metric}, k = {rung.k}"
    return f"{rung.epochs} epochs"


def _print_ladder(rungs: list[Rung]) -> None:
    rows = [
        (
            rung.baseline,
            f"{rung.test_accuracy:.2%}",
            f"{rung.train_seconds:,.1f} s",
            f"{rung.predict_ms_per_image:.3f} ms",
            f"{rung.params:,}",
            _settings(rung),
            rung.run,
        )
        for rung in rungs
    ]
    print_line("")
    print_table(_HEADER, rows, right=_HEADER[1:5])
    _print_chart([(rung.baseline, rung.test_accuracy, "") for rung in rungs])
    for rung in rungs:
        if rung.cross_validation:
            scores = rung.cross_validation.scores
            print_line(f"\n{rung.metric} neighbours, mean of five folds ± spread:")
            _print_chart([(f"k = {one.k}", one.mean, f" ± {one.std:.2%}") for one in scores])


def _print_chart(bars: list[tuple[str, float, str]]) -> None:
    print_line("")
    for name, accuracy, spread in bars:
        print_line(f"{name:>14} |{'#' * round(_BAR * accuracy):<{_BAR}}| {accuracy:.2%}{spread}")
