"""Curves to characters, with plotext; the only file that imports it.

plotext 5 raises on infinities and takes time in proportion to the points. So nothing reaches it
but finite numbers, at most two for each column of dots.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnn_tui.tui.series import Point, reduce_points
from cnn_tui.tui.ticks import Axis

Canvas = list[list[tuple[str, int]]]
"""Rows of texts, each with the number of the curve that it belongs to, -1 for axes and labels."""

DOTS = 2
"""Dots that a braille character is wide."""

GLYPH_EVERY = 5
"""Columns for at most two glyphs of a curve; closer together they would hide the others."""


@dataclass(frozen=True)
class Curve:
    """Points in order of x; a curve with a ``glyph`` shows it at each point, if there is room."""

    points: tuple[Point, ...]
    glyph: str = ""


@dataclass(frozen=True)
class Plot:
    """Curves in one pair of axes; points outside are cut off at the edge."""

    curves: tuple[Curve, ...]
    x: Axis
    y: Axis
    cursor: float | None = None
    """Where a vertical line is drawn."""
    marks: tuple[float, ...] = ()
    """Where the horizontal axis is marked."""


Rasteriser = Callable[[Plot, int, int], Canvas]
"""Draws a plot in so many columns and rows."""


def rasterise(plot: Plot, width: int, height: int) -> Canvas:
    """Draw with plotext in braille; every row is ``width`` columns wide."""
    figure = _figure(width, height)
    _axes(figure, plot)
    # Without any point plotext leaves the labels out.
    figure.scatter([plot.x.low], [plot.y.low], marker=" ")
    columns = width - plot.y.label_width - 1
    # The first curve is drawn over the others, and the glyphs of all over that: where curves
    # share a cell, which has one colour, each can still be seen.
    for number, curve in reversed(list(enumerate(plot.curves))):
        points = _visible(curve, plot, columns * DOTS)
        if len(points) > 1:
            _draw(figure.plot, points, "braille", number)
    for number, curve in enumerate(plot.curves):
        points = _visible(curve, plot, columns // GLYPH_EVERY)
        if curve.glyph or len(points) == 1:
            _draw(figure.scatter, points, curve.glyph or "braille", number)
    canvas = [_runs(line) for line in figure.build().splitlines()][:height]
    return _marked(_named(canvas, plot.x.name), plot, columns)


def _figure(width: int, height: int) -> Any:
    # Imported at the first curve: 70 ms that the first screen does not have to wait for. The
    # module's own figure is shared and not safe between threads, so make another of its kind.
    import plotext

    figure = type(plotext.main())()
    figure._limit_size(False, False)
    figure.plot_size(width, height)
    figure.canvas_color("default")
    figure.axes_color("default")
    figure.ticks_color("default")
    return figure


def _axes(figure: Any, plot: Plot) -> None:
    figure.xaxes(True, False)
    figure.yaxes(True, False)
    figure.xlim(plot.x.low, plot.x.high)
    figure.ylim(plot.y.low, plot.y.high)
    figure.xticks(list(plot.x.ticks), list(plot.x.labels))
    figure.yticks(list(plot.y.ticks), list(plot.y.labels))


def _visible(curve: Curve, plot: Plot, columns: int) -> list[Point]:
    points = reduce_points(curve.points, plot.x.low, plot.x.high, columns)
    return [(x, min(max(y, plot.y.low), plot.y.high)) for x, y in points]


def _draw(how: Callable[..., None], points: list[Point], marker: str, number: int) -> None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    how(xs, ys, marker=marker, color=number + _FIRST_COLOR)


def _named(canvas: Canvas, name: str) -> Canvas:
    """Write the name of the horizontal axis into the free corner left of its labels."""
    text, number = canvas[-1][0]
    if text[: len(name)].isspace():
        canvas[-1][0] = (name + text[len(name) :], number)
    return canvas


def _marked(canvas: Canvas, plot: Plot, columns: int) -> Canvas:
    """Write cursor and marks over it: the cursor where nothing is drawn, marks on the axis."""
    scale = (columns - 1) / (plot.x.high - plot.x.low)
    left = plot.y.label_width + 1

    def column(x: float) -> int:
        return left + round((x - plot.x.low) * scale)

    marks = {column(mark) for mark in plot.marks if plot.x.low <= mark <= plot.x.high}
    if marks:
        canvas[-2] = _overlaid(canvas[-2], dict.fromkeys(marks, MARK), blank_only=False)
    if plot.cursor is not None and plot.x.low <= plot.cursor <= plot.x.high:
        line = {column(plot.cursor): "│"}
        canvas[:-2] = [_overlaid(row, line, blank_only=True) for row in canvas[:-2]]
    return canvas


MARK = "▲"


def _overlaid(
    row: list[tuple[str, int]], chars: dict[int, str], *, blank_only: bool
) -> list[tuple[str, int]]:
    cells = [(char, number) for text, number in row for char in text]
    for place, char in chars.items():
        if place < len(cells) and (not blank_only or cells[place][0] in " \u2800"):
            cells[place] = (char, MARKED)
    return cells


MARKED = 100
"""The number of cursor and marks in a canvas."""

_FIRST_COLOR = 16
"""Colours carry the number of the curve through plotext; the widget gives them their looks."""

_RUN = re.compile(r"\x1b\[(?:38;5;)?(\d+)m|([^\x1b]+)")


def _runs(line: str) -> list[tuple[str, int]]:
    runs: list[tuple[str, int]] = []
    number = -1
    for code, text in _RUN.findall(line):
        if text:
            runs.append((text, number))
        else:
            number = max(-1, int(code) - _FIRST_COLOR)
    return runs
