"""``cnn-tui compare RUN...``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cnn_tui.engine.runs.compare import EpochCurve, RunComparison, compare_runs
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.tui.cli import options
from cnn_tui.tui.cli.output import print_json, print_table
from cnn_tui.tui.dashboard.series import sparkline
from cnn_tui.tui.words import percent

_CURVE = 24


@click.command("compare")
@click.argument("runs", nargs=-1, required=True)
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
    rows = [*_figures(comparison), *_curves(comparison.curves)]
    rows += [(one.setting, *one.values) for one in comparison.recipe]
    rows += [
        (f"layer {one.layer}", *(value or "-" for value in one.values))
        for one in comparison.architecture
    ]
    print_table(("", *names), rows, right=names)


def _figures(comparison: RunComparison) -> list[tuple[str, ...]]:
    summaries = [entry.summary for entry in comparison.runs]
    return [
        ("state", *(entry.state for entry in comparison.runs)),
        ("epochs", *(f"{one.epoch}/{one.epochs}" for one in summaries)),
        ("parameters", *(f"{one.params:,}" for one in summaries)),
        ("seconds", *(f"{one.seconds:.0f}" for one in summaries)),
        ("best val accuracy", *(percent(one.best_val_accuracy, 2) for one in summaries)),
        ("at epoch", *(str(one.best_epoch or "") for one in summaries)),
        ("test accuracy", *(percent(one.test_accuracy, 2) for one in summaries)),
    ]


def _curves(curves: tuple[EpochCurve, ...]) -> list[tuple[str, ...]]:
    encoding = sys.stdout.encoding
    return [
        ("val accuracy", *(sparkline(one.val_accuracy, _CURVE, encoding) for one in curves)),
        ("val loss", *(sparkline(one.val_loss, _CURVE, encoding) for one in curves)),
    ]
