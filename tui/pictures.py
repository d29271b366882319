"""The two charts of a run: which curves, in which axes, under which heading."""

from __future__ import annotations

import math

from cnn_tui.tui.board import Board
from cnn_tui.tui.series import Point, Series
from cnn_tui.tui.ticks import Axis, accuracy_axis, epochs_axis, log_axis, loss_axis
from cnn_tui.tui.widgets.chart import Picture
from cnn_tui.tui.widgets.lines import Line
from cnn_tui.tui.widgets.plot import Curve, Plot

VAL_GLYPH = "o"
"""Validation is told from training by its points, not by colour alone."""

NOTE = "the curves appear here"


def loss_picture(board: Board, rows: int, log: bool = False) -> Picture:
    """Training and validation loss over epochs, drawn on ``rows`` rows."""
    train, val = board.train_loss.points(), board.val_loss.points()
    title = _title("loss", _last(train, ".4f"), _last(val, ".4f"))
    if log:
        train, val = _logarithms(train), _logarithms(val)
    values = [y for _, y in (*train, *val)]
    y = log_axis(values) if log else loss_axis(values, _ticks(rows))
    return Picture(title, _plot(board, train, val, y), _note(board.train_loss))


def accuracy_picture(board: Board, rows: int) -> Picture:
    """Training and validation accuracy over epochs, drawn on ``rows`` rows."""
    train, val = board.train_accuracy.points(), board.val_accuracy.points()
    title = _title("accuracy", _last(train, ".1%"), _last(val, ".1%"))
    y = accuracy_axis([y for _, y in (*train, *val)], _ticks(rows))
    return Picture(title, _plot(board, train, val, y), _note(board.train_accuracy))


def _plot(board: Board, train: tuple[Point, ...], val: tuple[Point, ...], y: Axis) -> Plot | None:
    points = (*train, *val)
    if not points or board.started is None:
        return None
    x = epochs_axis(max(x for x, _ in points), board.started.epochs, ticks=6)
    return Plot((Curve(train), Curve(val, VAL_GLYPH)), x, y)


def _title(name: str, train: str, val: str) -> Line:
    return (
        (f" {name}", "strong"),
        ("   train ", "dim"),
        (train, "accent"),
        (f"   val {VAL_GLYPH} ", "dim"),
        (val, "warn"),
    )


def _last(points: tuple[Point, ...], form: str) -> str:
    return format(points[-1][1], form) if points else "-"


def _note(series: Series) -> str:
    return "no finite value to draw" if series.not_finite else NOTE


def _logarithms(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return tuple((x, math.log10(y)) for x, y in points if y > 0)


def _ticks(rows: int) -> int:
    return max(3, rows // 3)
