"""Curves of the views, drawn by the chart of the training screen."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.tui.dashboard.plots import ROLES, Curve, Plot
from cnn_tui.tui.dashboard.ticks import Axis
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, paged
from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.chart import rasterise, role_of
from cnn_tui.tui.words import short_name

_HEIGHT = 16
"""Rows of a chart where there is no end of them."""
_LEAST = 9
_LONGEST = 14
"""Columns of a label below an axis."""


def draw_plot(plot: Plot, title: Line, width: int, height: int) -> list[Line]:
    """Draw curves below their title."""
    looks = [role_of(at if c.look is None else c.look) for at, c in enumerate(plot.curves)]
    rows = rasterise(plot, width - 2, height - 1)
    drawn = (tuple((text, _role(number, looks)) for text, number in row) for row in rows)
    return [title, *(((" ", ""), *row) for row in drawn)]


def _role(number: int, looks: Sequence[str]) -> str:
    return looks[number] if 0 <= number < len(looks) else role_of(number)


def legend(curves: Sequence[Curve], names: Sequence[str]) -> Line:
    """Name the curves by their glyphs."""
    parts: list[tuple[str, str]] = [(" ", "")]
    for at, (curve, name) in enumerate(zip(curves, names, strict=True)):
        role = ROLES[(at if curve.look is None else curve.look) % len(ROLES)]
        parts += [(curve.glyph, role), (f" {name}  ", "dim")]
    return tuple(parts)


def named_axis(names: Sequence[str], width: int) -> Axis:
    """Return an axis with a tick for each name, as many of them labelled as fit."""
    names = [short_name(name, _LONGEST) for name in names]
    longest = max(map(len, names)) + 2
    every = -(-len(names) * longest // max(1, width - 8))
    labels = tuple(name if at % every == 0 else "" for at, name in enumerate(names))
    ticks = [(float(at), label) for at, label in enumerate(labels) if label]
    return Axis(-0.5, len(names) - 0.5, tuple(at for at, _ in ticks), tuple(n for _, n in ticks))


def chart_and_table(
    plot: Plot, title: Line, table: Sequence[Line], canvas: Canvas, head: int = 1
) -> Drawn:
    """Draw a chart above its numbers, or on a page of its own if there is no room for both."""
    if canvas.height is None:
        return Drawn([*draw_plot(plot, title, canvas.width, _HEIGHT), (), *table])
    room = canvas.height - len(table) - 1
    if room >= _LEAST:
        return Drawn([*draw_plot(plot, title, canvas.width, room), (), *table])
    rest = paged(table, canvas, head)
    if canvas.page == 0:
        return Drawn(draw_plot(plot, title, canvas.width, canvas.height), rest.pages + 1)
    page = Canvas(canvas.width, canvas.height, canvas.form, canvas.page - 1)
    return Drawn(paged(table, page, head).lines, rest.pages + 1)
