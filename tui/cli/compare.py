"""``cnn-tui compare RUN...``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cnn_tui.engine.runs.compare import EpochCurve, RunComparison, compare_runs
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.specs.paths import setting_words
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_json, print_table
from cnn_tui.tui.dashboard.series import sparkline
from cnn_tui.tui.words import epochs_words, percent

_CURVE = 24


@click.command("compare")
@click.argument("runs", shell_complete=completing.runs, nargs=-1, required=True)
@options.as_json
@options.runs_dir
def command(runs: tuple[str, ...], as_json: bool, runs_dir: Path) -> None:
    """Show runs side by side: best figures, curves, and the settings and layers that differ."""
    comparison = compare_runs([open_run(runs_dir, run) for run in runs])
    if as_json:
        print_json(comparison)
    else:
        print_comparison(comparison)


def print_comparison(comparison: RunComparison) -> None:
    """Print one column for each run."""
    names = [entry.name for entry in comparison.runs]
    rows = [*_figures(comparison), *_reasons(comparison), *_curves(comparison.curves)]
    rows += [(setting_words(row.setting), *row.words) for row in comparison.recipe]
    rows += [
        (f"layer {row.layer}", *(value or "-" for value in row.values))
        for row in comparison.architecture
    ]
    print_table(("", *names), rows, right=names, wrap=["", *names])


def _figures(comparison: RunComparison) -> list[tuple[str, ...]]:
    summaries = [entry.summary for entry in comparison.runs]
    balanced = [summary.test_balanced_accuracy for summary in summaries]
    return [
        ("state", *(entry.state for entry in comparison.runs)),
        ("epochs trained", *(epochs_words(summary.epoch, summary.epochs) for summary in summaries)),
        ("parameters", *(f"{summary.params:,}" for summary in summaries)),
        ("seconds", *(f"{summary.seconds:.0f}" for summary in summaries)),
        ("best val accuracy", *(percent(summary.best_val_accuracy, 2) for summary in summaries)),
        ("at epoch", *(str(summary.best_epoch or "") for summary in summaries)),
        ("test accuracy", *(percent(summary.test_accuracy, 2) for summary in summaries)),
        *([("balanced", *(percent(one, 2) for one in balanced))] if any(balanced) else []),
    ]


def _reasons(comparison: RunComparison) -> list[tuple[str, ...]]:
    reasons = [
        entry.summary.message if entry.state == "failed" else "" for entry in comparison.runs
    ]
    return [("failed because", *reasons)] if any(reasons) else []


def _curves(curves: tuple[EpochCurve, ...]) -> list[tuple[str, ...]]:
    encoding = sys.stdout.encoding
    return [
        ("val accuracy", *(sparkline(curve.val_accuracy, _CURVE, encoding) for curve in curves)),
        ("val loss", *(sparkline(curve.val_loss, _CURVE, encoding) for curve in curves)),
    ]
