"""A comparison of runs as a table and a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnn_tui.engine.runs.compare import EpochCurve, RunComparison
from cnn_tui.engine.specs.paths import setting_words
from cnn_tui.tui.dashboard.plots import ROLES, ChartPicture, Curve, Plot
from cnn_tui.tui.dashboard.ranges import usual
from cnn_tui.tui.dashboard.series import Point
from cnn_tui.tui.dashboard.ticks import (
    accuracy_axis,
    epochs_axis,
    log_axis,
    loss_axis,
    parts_of,
)
from cnn_tui.tui.rows import Column, Run, TableRow
from cnn_tui.tui.words import clock, epochs_words, percent

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
    balanced = [summary.test_balanced_accuracy for summary in summaries]
    figures = (
        ("best val", *(_best(summary.best_val_accuracy, best) for summary in summaries)),
        ("in epoch", *(str(summary.best_epoch or "-") for summary in summaries)),
        ("test", *(percent(summary.test_accuracy) or "-" for summary in summaries)),
        *([("test, balanced", *map(percent, balanced))] if any(balanced) else ()),
        (
            "parameters",
            *(f"{summary.params:,}" if summary.params else "-" for summary in summaries),
        ),
    )
    rest = (
        ("state", *(entry.state for entry in runs)),
        ("epochs trained", *(epochs_words(summary.epoch, summary.epochs) for summary in summaries)),
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
    if share is None:
        return "-"
    return f"{percent(share)} best" if share == best else percent(share)


def overlay(comparison: RunComparison, height: int, *, loss: bool) -> ChartPicture:
    """Return the validation curves of all runs in one pair of axes."""
    curves = [
        [
            (float(epoch), value)
            for epoch, value in zip(
                curve.epochs, curve.val_loss if loss else curve.val_accuracy, strict=True
            )
            if _is_finite(value)
        ]
        for curve in comparison.curves
    ]
    last = max((curve[-1][0] for curve in curves if curve), default=None)
    if last is None and not loss:
        return overlay(comparison, height, loss=True)  # other programs may tell only losses
    if last is None:
        return ChartPicture(note="no epoch is complete yet")
    x, parts = epochs_axis(last, int(last), ticks=6), parts_of(height, thirds=loss)
    log = loss and _far_apart(curves)
    if log:
        curves = [[(at, math.log10(y)) for at, y in curve if y > 0] for curve in curves]
    values = usual(x, *map(tuple, curves))
    y = (log_axis if log else loss_axis if loss else accuracy_axis)(values, parts)
    drawn = tuple(
        Curve(tuple(curve), _glyph(at), look=_look(at), names=True)
        for at, curve in enumerate(curves)
    )
    scale = f" {y.labels[0].strip(' %')}-{y.labels[-1].strip()}"
    kind = f"loss{' log' if log else ''}" if loss else f"accuracy{scale}"
    names: list[Run] = [
        (f"  {_glyph(at)} {entry.name}", ROLES[_look(at)])
        for at, entry in enumerate(comparison.runs)
    ]
    title = (f" validation {kind} ", "strong")
    return ChartPicture(((title, *names), (title,)), Plot(drawn, x, y))


def _far_apart(curves: Sequence[Sequence[Point]]) -> bool:
    """Whether one run's losses are so much higher that the others would be a flat line."""
    tops = [max(y for _, y in curve) for curve in curves if curve]
    return max(tops) > _FAR * min(tops)


_FAR = 20


def _glyph(number: int) -> str:
    return GLYPHS[number % len(GLYPHS)]


_QUIET = ROLES.index("faint")


def _look(number: int) -> int:
    """Return the colour of a run: the quiet one, which charts use for earlier runs, comes last."""
    loud = [look for look in range(len(ROLES)) if look != _QUIET]
    return [*loud, _QUIET][number % len(ROLES)]


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def run_picture(curve: EpochCurve, height: int) -> ChartPicture:
    """Return the accuracy of one run, while training and in validation.

    It is the loss of a run whose program reports no accuracy.
    """
    known = any(map(_is_finite, (*curve.train_accuracy, *curve.val_accuracy)))
    figures = (
        (curve.train_accuracy, curve.val_accuracy) if known else (curve.train_loss, curve.val_loss)
    )
    train, val = (
        tuple(
            (float(epoch), value)
            for epoch, value in zip(curve.epochs, values, strict=True)
            if _is_finite(value)
        )
        for values in figures
    )
    values = [value for _, value in (*train, *val)]
    if not values:
        return ChartPicture(note="no epoch is complete")
    last = max(curve.epochs)
    plot = Plot(
        (Curve(train), Curve(val, "o")),
        epochs_axis(float(last), last, ticks=6),
        (accuracy_axis if known else loss_axis)(values, parts_of(height, thirds=not known)),
    )
    title = (
        (" accuracy " if known else " loss ", "strong"),
        ("  train", ROLES[0]),
        ("  o val", ROLES[1]),
    )
    return ChartPicture((title, title[:1]), plot)
