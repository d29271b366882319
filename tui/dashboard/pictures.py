"""The charts of a run: curves, axes and headings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.headings import EARLIER_GLYPHS, Named, titles
from cnn_tui.tui.dashboard.plots import ChartPicture, Curve, Plot
from cnn_tui.tui.dashboard.ranges import beyond, usual, within
from cnn_tui.tui.dashboard.series import A_POINT, SMOOTHING, Point, Series
from cnn_tui.tui.dashboard.ticks import (
    Axis,
    accuracy_axis,
    epochs_axis,
    log_axis,
    loss_axis,
    parts_of,
    steps_axis,
    value_axis,
    window,
)
from cnn_tui.tui.dashboard.viewport import WHOLE, Viewport
from cnn_tui.tui.words import clean, figure

VAL_GLYPH, L2_GLYPH = "o", "x"

Earlier = Mapping[str, Board]
"""Other runs by their labels."""
NONE: Earlier = MappingProxyType({})

_Points = tuple[Point, ...]

Kind = Literal["loss", "accuracy", "lr", "ratio"]
KINDS: tuple[Kind, ...] = ("loss", "accuracy", "lr", "ratio")


def picture(
    kind: Kind, board: Board, rows: int, lens: Viewport = WHOLE, earlier: Earlier = NONE
) -> ChartPicture:
    """Return a chart of ``rows`` rows; ``earlier`` are other runs to compare with."""
    before = earlier if lens.earlier else NONE
    match kind:
        case "loss":
            return _loss(board, rows, lens, before)
        case "accuracy" if name := further_of(board, lens):
            return _further(name, board, rows, lens, before)
        case "accuracy":
            return _accuracy(board, rows, lens, before)
        case "lr":
            return _lr(board, rows, lens)
    return _ratio(board, rows, lens)


def further_of(board: Board, lens: Viewport) -> str:
    """The further figure that is drawn; the first of them if there is no accuracy to draw."""
    if lens.further in board.further:
        return lens.further
    known = board.train_accuracy.points() or board.val_accuracy.points()
    return "" if known else next(iter(board.further), "")


def views_of(board: Board) -> list[tuple[Kind, str]]:
    """The charts that stand beside the loss, each with the further figure that it draws.

    One without a point is left out, unless the run is to give it points still.
    """
    accuracy = not further_of(board, WHOLE)
    plain: list[tuple[Kind, str]] = [("accuracy", "")] if accuracy else []
    further: list[tuple[Kind, str]] = [("accuracy", name) for name in board.further]
    expected = board.ended is None and not (board.started and board.started.program)
    known = {"lr": board.lr.points(), "ratio": board.ratios[0].points()}
    measured: list[tuple[Kind, str]] = [("lr", ""), ("ratio", "")]
    return [*plain, *further, *((k, "") for k, _ in measured if expected or known[k])]


def x_axis(board: Board, lens: Viewport) -> Axis:
    """Return the visible range of epochs, or of steps."""
    reached = reached_by(board)
    if board.by_steps:
        whole = steps_axis(reached, ended=board.ended is not None, ticks=6)
    else:
        total = board.started.epochs if board.started else 1
        # Of unknown length: a number that doubles with the run.
        total = total or 2 ** math.ceil(math.log2(max(1.0, reached)))
        whole = epochs_axis(reached, total, ticks=6)
    at = next((at for at in (lens.at, lens.cursor) if at is not None), None)
    return window(whole, lens.zoom, reached, at, ticks=6)


def reached_by(board: Board) -> float:
    """The position of the newest point."""
    series = (board.train_loss, board.val_loss, board.lr)
    return max((points[-1][0] for one in series if (points := one.points())), default=0.0)


def is_log(board: Board, lens: Viewport) -> bool:
    """Whether the loss is on a logarithmic scale."""
    points = board.train_loss.points()
    diverged = bool(points) and points[-1][1] > _DIVERGED * points[0][1]
    return diverged if lens.log is None else lens.log


_DIVERGED = 10
"""Multiple of the first loss from which a run has diverged."""


def _loss(board: Board, rows: int, lens: Viewport, earlier: Earlier) -> ChartPicture:
    smooth, val = board.train_loss.smoothed(lens.smoothing), board.val_loss.points()
    l2 = board.l2_loss.points() if any(y > 0 for _, y in board.l2_loss.points()) else ()
    named = [Named("train", smooth, figure, "accent"), Named("val", val, figure, "warn", VAL_GLYPH)]
    if l2:
        named.append(Named("L2", l2, figure, "good", L2_GLYPH))
    own, band = [smooth, val, l2], board.train_loss.points() if lens.banded else ()
    others = [other.train_loss.smoothed(lens.smoothing) for other in earlier.values()]
    x, log = x_axis(board, lens), is_log(board, lens)
    if log:
        own, others = [[_logarithms(points) for points in curves] for curves in (own, others)]
        band = _logarithms(band)
        y = log_axis(within(x, *own[:2]), parts_of(rows))
    else:
        y = loss_axis(usual(x, *own[:2]), parts_of(rows))
    plot = _plot(board, lens, x, y, own, (band, band), others, log=log)
    words = _smoothed(board, lens)
    heading = titles("loss log" if log else "loss", named, lens, earlier, words)
    return ChartPicture(heading, plot, _note(board, board.train_loss))


def _accuracy(board: Board, rows: int, lens: Viewport, earlier: Earlier) -> ChartPicture:
    smooth, val = board.train_accuracy.smoothed(lens.smoothing), board.val_accuracy.points()
    named = [
        Named("train", smooth, _percent, "accent"),
        Named("val", val, _percent, "warn", VAL_GLYPH),
    ]
    band = board.train_accuracy.points() if lens.banded else ()
    others = [other.val_accuracy.points() for other in earlier.values()]
    x = x_axis(board, lens)
    y = accuracy_axis(usual(x, smooth, val), parts_of(rows, thirds=False))
    plot = _plot(board, lens, x, y, [smooth, val], (band, band), others, text=_whole_percent)
    scale = f"{y.labels[0].strip('% ')}-{y.labels[-1].strip()}" if plot else ""
    heading = titles("accuracy", named, lens, earlier, _smoothed(board, lens), scale)
    return ChartPicture(heading, plot, _note(board, board.train_accuracy))


def _further(name: str, board: Board, rows: int, lens: Viewport, earlier: Earlier) -> ChartPicture:
    curves = board.further[name]
    smooth, val = curves.train.smoothed(lens.smoothing), curves.val.points()
    named = [Named("train", smooth, figure, "accent")] if smooth else []
    named += [Named("val", val, figure, "warn", VAL_GLYPH)] if val else []
    others = [
        other.further[name].train.smoothed(lens.smoothing)
        for other in earlier.values()
        if name in other.further
    ]
    own, band = [smooth, val], curves.train.points() if lens.banded else ()
    x, log = x_axis(board, lens), bool(lens.log)
    if log:
        own, others = [[_logarithms(points) for points in some] for some in (own, others)]
        band = _logarithms(band)
    values, tame = within(x, *own), usual(x, *own)
    if not log and max(map(abs, values), default=0.0) > _SPIKE * max(map(abs, tame), default=0.0):
        values = tame
    y = (log_axis if log else value_axis)(values, parts_of(rows))
    plot = _plot(board, lens, x, y, own, (band, band), others, log=log)
    heading = titles(f"{clean(name)}{' log' * log}", named, lens, earlier, _smoothed(board, lens))
    return ChartPicture(heading, plot, _note(board, curves.train))


_SPIKE = 2
"""Multiple of the usual values from which a spike is cut off rather than drawn."""


def _lr(board: Board, rows: int, lens: Viewport) -> ChartPicture:
    points, log = board.lr.points(), bool(lens.log)
    drawn = _logarithms(points) if log else points
    x = x_axis(board, lens)
    values = within(x, drawn)
    y = (log_axis if log else loss_axis)(values, parts_of(rows))
    name = "learning rate log" if log else "learning rate"
    heading = titles(name, [Named("", points, _rate, "accent")], lens)
    plot = _plot(board, lens, x, y, [drawn])
    return ChartPicture(heading, plot, _note(board, board.lr))


def _ratio(board: Board, rows: int, lens: Viewport) -> ChartPicture:
    middle, most, least = (series.points() for series in board.ratios)
    x = x_axis(board, lens)
    y = log_axis([-3.0, *within(x, middle, most, least)], parts_of(rows))
    plain = tuple((x, 10.0**y) for x, y in middle)
    heading = titles("update:weight log", [Named("typical", plain, _power, "accent")], lens)
    plot = _plot(board, lens, x, y, [middle], (least, most))
    return ChartPicture(heading, plot, _note(board, board.ratios[0]))


def _plot(
    board: Board,
    lens: Viewport,
    x: Axis,
    y: Axis,
    own: Sequence[_Points],
    band: tuple[_Points, _Points] = ((), ()),
    others: Sequence[_Points] = (),
    *,
    text: Callable[[float], str] = figure,
    log: bool = False,
) -> Plot | None:
    """Return a plot of the run's own curves, training, validation and L2, and those of others."""
    train, val, l2 = (*own, (), ())[:3]
    if board.started is None or not (train or val):
        return None
    # A curve on the axis says nothing, and its glyphs hide the others.
    low = y.low + _FLAT * (y.high - y.low)
    l2 = l2 if any(value > low for _, value in l2) else ()
    curves = [Curve(train), Curve(val, VAL_GLYPH), Curve(l2, L2_GLYPH, look=_L2_LOOK, sparse=True)]
    curves += [
        Curve(line, glyph, look=_EARLIER_LOOK, names=True)
        for line, glyph in zip(others, EARLIER_GLYPHS, strict=False)
    ]
    cut = beyond(x, y, (train, val), (lambda power: text(10.0**power)) if log else text)
    marks = tuple(board.marks)
    return Plot(tuple(curves), x, y, lens.cursor, marks, band=band, beyond=cut)


_FLAT = 0.1
_L2_LOOK, _EARLIER_LOOK = 3, 4


def _smoothed(board: Board, lens: Viewport) -> tuple[str, str]:
    """Return the smoothing in words, and shorter."""
    memory = SMOOTHING[lens.smoothing]
    if memory and board.by_steps:
        return f"mean of {memory / A_POINT:g} points", f"~{memory / A_POINT:g}"
    return (f"mean of {memory:g} epochs", f"~{memory:g}") if memory else ("every batch", "")


def _power(value: float, digits: int = 4) -> str:
    return f"{value:.1e}"


def _rate(value: float, digits: int = 4) -> str:
    return f"{value:.{digits - 1}g}"


def _whole_percent(value: float) -> str:
    return f"{value:.0%}"


def _percent(value: float, digits: int = 4) -> str:
    return f"{value:.{max(0, digits - 3)}%}"


def _note(board: Board, series: Series) -> str:
    words = "no such figures were recorded" if board.ended else "the curves appear here"
    return "no finite value to draw" if series.not_finite else words


def _logarithms(points: _Points) -> _Points:
    return tuple((x, math.log10(y)) for x, y in points if y > 0)


def panned(board: Board, lens: Viewport, steps: int) -> Viewport:
    """Return the viewport half a window further; the whole run cannot be panned."""
    axis = x_axis(board, replace(lens, zoom=0))
    half = (axis.high - axis.low) / 2 ** (lens.zoom + 1)
    now = x_axis(board, lens).high
    return (
        replace(lens, at=min(max(axis.low, now + steps * half), axis.high)) if lens.zoom else lens
    )


def stepped(cursor: float | None, axis: Axis, reached: float, steps: int) -> float:
    """Return the cursor after some steps; it appears at the newest point."""
    if cursor is None:
        return reached
    # A step is about a column of a chart.
    return min(max(0.0, cursor + steps * (axis.high - axis.low) / 60), reached)
