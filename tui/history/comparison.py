"""A comparison of runs as a table and a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnn_tui.engine.runs.compare import RunComparison
from cnn_tui.engine.specs.paths import setting_words
from cnn_tui.tui.dashboard.plots import ROLES, ChartPicture, Curve, Plot
from cnn_tui.tui.dashboard.ticks import accuracy_axis, epochs_axis, loss_axis
from cnn_tui.tui.rows import Column, Run, TableRow
from cnn_tui.tui.words import clock, percent

GLYPHS = "ox+*#%@&"
"""Glyphs of the runs, so that colour is not the only difference."""


def columns(names: Sequence[str], first: int = 0) -> tuple[Column, ...]:
    """Return a column for the labels, then one for each run from ``first`` on."""
    runs = enumerate(names[first:])
    return (Column(""), *(Column(f"{_glyph(first + at)} {name}", rank=at) for at, name in runs))


def rows(comparison: RunComparison, first: int = 0) -> tuple[TableRow, ...]:
    """Return best figures, then settings and layers that differ, for runs from ``first`` on."""
    return tuple(
        TableRow(record.key, (record.cells[0], *record.cells[1 + first :]), record.role)
        for record in _rows(comparison)
    )


def _rows(comparison: RunComparison) -> tuple[TableRow, ...]:
    runs = comparison.runs
    summaries = [entry.summary for entry in runs]
    best = max((summary.best_val_accuracy or 0.0 for summary in summaries), default=0.0)
    figures = (
        ("best val", *(_best(summary.best_val_accuracy, best) for summary in summaries)),
        ("in epoch", *(str(summary.best_epoch or "") for summary in summaries)),
        ("test", *(percent(summary.test_accuracy) for summary in summaries)),
        ("parameters", *(f"{summary.params:,}" for summary in summaries)),
    )
    rest = (
        ("state", *(entry.state for entry in runs)),
        ("epochs trained", *(f"{summary.epoch}/{summary.epochs}" for summary in summaries)),
        ("time", *(clock(summary.seconds) for summary in summaries)),
    )
    settings = ((setting_words(row.setting), *row.words) for row in comparison.recipe)
    layers = (
        (f"layer {row.layer}", *(value or "-" for value in row.values))
        for row in comparison.architecture
    )
    return (
        *(TableRow(cells[0], cells) for cells in figures),
        *(TableRow(cells[0], cells, "warn") for cells in settings),
        *(TableRow(" ".join(cells), cells, "accent") for cells in layers),
        *(TableRow(cells[0], cells, "dim") for cells in rest),
    )


def _best(share: float | None, best: float) -> str:
    return f"{percent(share)} best" if share is not None and share == best else percent(share)


def overlay(comparison: RunComparison, height: int, *, loss: bool) -> ChartPicture:
    """Return the validation curves of all runs in one pair of axes."""
    curves = [
        [
            (float(epoch), value)
            for epoch, value in zip(
                curve.epochs, curve.val_loss if loss else curve.val_accuracy, strict=True
            )
            if value is not None and math.isfinite(value)
        ]
        for curve in comparison.curves
    ]
    values = [y for curve in curves for _, y in curve]
    last = max((curve[-1][0] for curve in curves if curve), default=None)
    if last is None:
        return ChartPicture(note="no epoch is complete yet")
    ticks = max(3, height // 3)
    y = loss_axis(values, ticks) if loss else accuracy_axis(values, ticks)
    drawn = tuple(Curve(tuple(curve), _glyph(at)) for at, curve in enumerate(curves))
    title = f" validation {'loss' if loss else 'accuracy'} "
    names: list[Run] = [
        (f"  {_glyph(at)} {entry.name}", ROLES[at % len(ROLES)])
        for at, entry in enumerate(comparison.runs)
    ]
    plot = Plot(drawn, epochs_axis(last, int(last), ticks=6), y)
    return ChartPicture(((title, "strong"), *names), ((title, "strong"),), plot)


def _glyph(number: int) -> str:
    return GLYPHS[number % len(GLYPHS)]
