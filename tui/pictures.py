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


def loss_picture(board: Board, rows: int, log: bool = False) -> Picture:
    """Training and validation loss over epochs, drawn on ``rows`` rows."""
    curves = (board.smooth_loss.points(), board.val_loss.points(), board.train_loss.points())
    titles = _titles("loss", _last(curves[0], ".4f"), _last(curves[1], ".4f"))
    if log:
        curves = (_logarithms(curves[0]), _logarithms(curves[1]), _logarithms(curves[2]))
    values = [y for curve in curves[:2] for _, y in curve]
    y = log_axis(values) if log else loss_axis(values, _ticks(rows))
    return Picture(*titles, _plot(board, curves, y), _note(board, board.train_loss))


def accuracy_picture(board: Board, rows: int) -> Picture:
    """Training and validation accuracy over epochs, drawn on ``rows`` rows."""
    smooth, val = board.smooth_accuracy.points(), board.val_accuracy.points()
    titles = _titles("accuracy", _last(smooth, ".1%"), _last(val, ".1%"))
    y = accuracy_axis([y for _, y in (*smooth, *val)], _ticks(rows))
    curves = (smooth, val, board.train_accuracy.points())
    return Picture(*titles, _plot(board, curves, y), _note(board, board.train_accuracy))


_Curves = tuple[tuple[Point, ...], tuple[Point, ...], tuple[Point, ...]]
"""Training as a running mean, validation, and each batch behind them."""


def _plot(board: Board, curves: _Curves, y: Axis) -> Plot | None:
    last = max((curve[-1][0] for curve in curves if curve), default=None)
    if last is None or board.started is None:
        return None
    train, val, raw = curves
    x = epochs_axis(last, board.started.epochs, ticks=6)
    return Plot((Curve(train), Curve(val, VAL_GLYPH), Curve(raw)), x, y)


def _titles(name: str, train: str, val: str) -> tuple[Line, Line]:
    """The heading, which is the legend as well, and a shorter one."""
    ends = ((f" {name}", "strong"), (train, "accent"), (val, "warn"))
    words = ("   train ", f"   val {VAL_GLYPH} ")
    long, short = (
        (ends[0], (before, "dim"), ends[1], (between, "dim"), ends[2])
        for before, between in (words, ("  ", f"  {VAL_GLYPH} "))
    )
    return long, short


def _last(points: tuple[Point, ...], form: str) -> str:
    return format(points[-1][1], form) if points else "-"


def _note(board: Board, series: Series) -> str:
    words = "nothing to draw" if board.ended else "the curves appear here"
    return "no finite value to draw" if series.not_finite else words


def _logarithms(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return tuple((x, math.log10(y)) for x, y in points if y > 0)


def _ticks(rows: int) -> int:
    return max(3, rows // 3)
