"""Finished baselines as text: a table, charts, and on a terminal pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from cnn_tui.engine.baselines.record import BaselineResult
from cnn_tui.engine.baselines.validation import CrossValidation
from cnn_tui.tui.cli.drawing import draw_chart, draw_lines, draw_templates, terminal
from cnn_tui.tui.cli.output import print_line, print_table
from cnn_tui.tui.dashboard.baseline_charts import chart_of, folds_picture
from cnn_tui.tui.words import count, duration

_HEADER = ("baseline", "test accuracy", "training", "prediction", "params", "run")
_BAR = 30
"""Length of a bar of 100%."""
_ROWS = 14
"""Rows of the chart of k."""
_PICTURES = 10
"""Templates shown of each network."""


def sentence(rung: BaselineResult) -> str:
    """Return the result of a baseline in one line."""
    before = ", done before" if rung.done_before else ""
    return (
        f"{rung.baseline}: {rung.test_accuracy:.2%} of {rung.test_images:,} test images right "
        f"({_settings(rung)}{before})"
    )


def print_ladder(rungs: Sequence[BaselineResult], root: Path) -> None:
    """Print how k was chosen, the first-layer weights, and a table and a chart of all results."""
    console = terminal()
    if console:
        _draw_closer(console, rungs, root)
    if len(rungs) > 1:
        _print_table(rungs)
        _print_accuracies(console, rungs)
    for rung in rungs:
        if rung.cross_validation and console is None:
            print_line("")
            print_line(f"{rung.metric} neighbours, mean of five folds ± spread:")
            _print_scores(rung.cross_validation)


def _draw_closer(console: Console, rungs: Sequence[BaselineResult], root: Path) -> None:
    for rung in rungs:
        if rung.cross_validation:
            draw_chart(console, folds_picture(rung.cross_validation, _ROWS), _ROWS)
        if rung.params:
            draw_templates(console, root, rung.run, _PICTURES)


def _settings(rung: BaselineResult) -> str:
    if rung.baseline == "knn":
        return f"{rung.metric}, k = {rung.k}"
    return count(rung.epochs or 0, "epoch")


def _print_table(rungs: Sequence[BaselineResult]) -> None:
    rows = [
        (
            rung.baseline,
            f"{rung.test_accuracy:.2%}",
            duration(rung.train_seconds),
            duration(rung.predict_ms_per_image / 1000),
            f"{rung.params:,}",
            rung.run,
        )
        for rung in rungs
    ]
    print_line("")
    print_table(_HEADER, rows, right=_HEADER[1:5])


def _print_accuracies(console: Console | None, rungs: Sequence[BaselineResult]) -> None:
    if console:
        draw_lines(console, chart_of(rungs, min(100, console.width)))
    else:
        _print_chart([(rung.baseline, rung.test_accuracy, "") for rung in rungs])


def _print_scores(validation: CrossValidation) -> None:
    _print_chart(
        [(f"k = {score.k}", score.mean, f" ± {score.std:.2%}") for score in validation.scores]
    )


def _print_chart(bars: list[tuple[str, float, str]]) -> None:
    print_line("")
    for name, accuracy, spread in bars:
        print_line(f"{name:>14} |{'#' * round(_BAR * accuracy):<{_BAR}}| {accuracy:.2%}{spread}")
