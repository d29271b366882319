"""The charts of a run: curves, axes and headings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.plots import ChartPicture, Curve, Plot
from cnn_tui.tui.dashboard.series import USUAL_SMOOTHING, Point, Series, value_at
from cnn_tui.tui.dashboard.ticks import (
    Axis,
    accuracy_axis,
    epochs_axis,
    log_axis,
    loss_axis,
    window,
)
from cnn_tui.tui.rows import Line

VAL_GLYPH, L2_GLYPH = "o", "x"
EARLIER_GLYPHS = ".:'~*"
"""Glyphs of other runs, so that colour is not the only difference."""
_EARLIER_LOOK = 4
MOST_ZOOM = 8

Earlier = Mapping[str, Board]
"""Other runs by their labels."""
NONE: Earlier = MappingProxyType({})

Kind = Literal["loss", "accuracy", "lr", "ratio"]
KINDS: tuple[Kind, ...] = ("loss", "accuracy", "lr", "ratio")


@dataclass(frozen=True)
class Viewport:
    """Scale, smoothing and window of the charts."""

    log: bool = False
    smoothing: int = USUAL_SMOOTHING
    zoom: int = 0
    cursor: float | None = None
    """In epochs; the headings show the values at this position."""
    at: float | None = None
    """In epochs; the centre of a zoomed chart, in place of the cursor."""
    earlier: bool = True
    """Whether other runs are drawn as well."""


@dataclass(frozen=True)
class _Named:
    """A curve and the format of its value in the heading."""

    name: str
    points: tuple[Point, ...]
    form: str
    role: str
    glyph: str = ""


def picture(
    kind: Kind, board: Board, rows: int, lens: Viewport = Viewport(), earlier: Earlier = NONE
) -> ChartPicture:
    """Return a chart of ``rows`` rows; ``earlier`` are other runs to compare with."""
    before = earlier if lens.earlier else NONE
    match kind:
        case "loss":
            return _loss(board, rows, lens, before)
        case "accuracy":
            return _accuracy(board, rows, lens, before)
        case "lr":
            return _lr(board, rows, lens)
    return _ratio(board, lens)


def x_axis(board: Board, lens: Viewport) -> Axis:
    """Return the visible range of epochs."""
    points = board.train_loss.points()
    reached = points[-1][0] if points else 0.0
    whole = epochs_axis(reached, board.started.epochs if board.started else 1, ticks=6)
    anchor = next((at for at in (lens.at, lens.cursor) if at is not None), reached)
    return window(whole, lens.zoom, anchor, ticks=6)


def _loss(board: Board, rows: int, lens: Viewport, earlier: Earlier) -> ChartPicture:
    train = board.train_loss.smoothed(lens.smoothing)
    named = [
        _Named("train", train, ".4f", "accent"),
        _Named("val", board.val_loss.points(), ".4f", "warn", VAL_GLYPH),
    ]
    l2 = board.l2_loss.points() if any(y > 0 for _, y in board.l2_loss.points()) else ()
    if l2:
        named.append(_Named("L2", l2, ".4f", "good", L2_GLYPH))
    before = [other.train_loss.smoothed(lens.smoothing) for other in earlier.values()]
    drawn = [train, named[1].points, board.train_loss.points(), l2, *before]
    if lens.log:
        drawn = [_logarithms(points) for points in drawn]
    x = x_axis(board, lens)
    shown = (drawn[0], drawn[1], *drawn[4:])
    y = log_axis(_within(x, *shown)) if lens.log else loss_axis(_settled(x, *shown), _ticks(rows))
    plot = _plot(board, lens, x, y, drawn, ("", VAL_GLYPH, "", L2_GLYPH))
    return ChartPicture(
        *_titles("loss", named, lens, earlier), plot, _note(board, board.train_loss)
    )


def _accuracy(board: Board, rows: int, lens: Viewport, earlier: Earlier) -> ChartPicture:
    smooth, val = board.train_accuracy.smoothed(lens.smoothing), board.val_accuracy.points()
    named = [
        _Named("train", smooth, ".1%", "accent"),
        _Named("val", val, ".1%", "warn", VAL_GLYPH),
    ]
    before = [other.val_accuracy.points() for other in earlier.values()]
    x = x_axis(board, lens)
    y = accuracy_axis(_within(x, smooth, val, *before), _ticks(rows))
    drawn = [smooth, val, board.train_accuracy.points(), (), *before]
    plot = _plot(board, lens, x, y, drawn, ("", VAL_GLYPH, "", ""))
    titles = _titles("accuracy", named, lens, earlier)
    return ChartPicture(*titles, plot, _note(board, board.train_accuracy))


def _lr(board: Board, rows: int, lens: Viewport) -> ChartPicture:
    points = board.lr.points()
    drawn = _logarithms(points) if lens.log else points
    x = x_axis(board, lens)
    values = _within(x, drawn)
    y = log_axis(values) if lens.log else loss_axis(values, _ticks(rows))
    titles = _titles("learning rate", [_Named("", points, ".3g", "accent")], lens, NONE)
    return ChartPicture(*titles, _plot(board, lens, x, y, [drawn]), _note(board, board.lr))


def _ratio(board: Board, lens: Viewport) -> ChartPicture:
    middle, most, least = (series.points() for series in board.ratios)
    x = x_axis(board, lens)
    y = log_axis([-3.0, *_within(x, middle, most, least)])
    plain = tuple((x, 10.0**y) for x, y in middle)
    titles = _titles("update:weight", [_Named("typical", plain, ".1e", "accent")], lens, NONE)
    plot = _plot(board, lens, x, y, [middle, (), most, (), least], ("",) * 5)
    return ChartPicture(*titles, plot, _note(board, board.ratios[0]))


def _plot(
    board: Board,
    lens: Viewport,
    x: Axis,
    y: Axis,
    curves: Sequence[tuple[Point, ...]],
    glyphs: Sequence[str] = ("",),
) -> Plot | None:
    """Return the curves with their glyphs; the curves after the glyphs are those of other runs."""
    if board.started is None or not any(curves[:2]):
        return None
    own = [Curve(points, glyph) for points, glyph in zip(curves, glyphs, strict=False)]
    others = curves[len(glyphs) :]
    own += [Curve(line, EARLIER_GLYPHS[at], look=_EARLIER_LOOK) for at, line in enumerate(others)]
    return Plot(tuple(own), x, y, lens.cursor, tuple(board.marks))


def _titles(name: str, curves: list[_Named], lens: Viewport, earlier: Earlier) -> tuple[Line, Line]:
    """Return the heading, which is also the legend, and a shorter one."""
    if lens.cursor is not None:
        name = f"{name} at {lens.cursor:.2f}"
    words, signs = [(f" {name}", "strong")], [(f" {name}", "strong")]
    for curve in curves:
        value = (_value_text(curve, lens.cursor), curve.role)
        label = " ".join(filter(None, (curve.name, curve.glyph)))
        words += [(f"   {label} " if label else "   ", "dim"), value]
        signs += [(f" {label} " if curve.glyph else " ", "dim"), value]
    words += [(f"   {other} {EARLIER_GLYPHS[at]}", "dim") for at, other in enumerate(earlier)]
    return tuple(words), tuple(signs)


def _value_text(curve: _Named, cursor: float | None) -> str:
    points = curve.points
    value = value_at(points, math.inf if cursor is None else cursor)
    return "-" if value is None else format(value, curve.form)


def _note(board: Board, series: Series) -> str:
    words = "nothing to draw" if board.ended else "the curves appear here"
    return "no finite value to draw" if series.not_finite else words


def _within(x: Axis, *curves: tuple[Point, ...]) -> list[float]:
    """Return the values in the visible range."""
    return [y for points in curves for at, y in points if x.low <= at <= x.high]


def _settled(x: Axis, *curves: tuple[Point, ...]) -> list[float]:
    """Return the visible values without the very first steps.

    The first losses may be ten times as high as all later ones, which would become a flat line.
    They are cut off at the upper edge instead, where they are still visible.
    """
    reached = min(x.high, max((points[-1][0] for points in curves if points), default=x.high))
    begun = x.low if x.low > 0 else _BEGINNING * reached
    later = [y for points in curves for at, y in points if begun <= at <= x.high]
    return later or _within(x, *curves)


_BEGINNING = 0.02
"""The first share of the trained steps."""


def _logarithms(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return tuple((x, math.log10(y)) for x, y in points if y > 0)


def _ticks(rows: int) -> int:
    return max(3, rows // 3)


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
