"""Charts: plotext draws frame, ticks and labels, arrays draw the curves, a widget shows both.

Only this file uses plotext, through its public functions. The frame is cached. Curves, cursor and
marks are ours: plotext takes 10 to 30 ms for a chart (measured) with the GIL held, at 4 Hz a tenth
of the training speed; arrays take 1 ms. It also fails on infinities, and returns colours as escape
sequences, where the widget has to know which curve each cell shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from threading import Lock

from textual import events
from textual.message import Message

from cnn_tui.tui.dashboard.plots import ROLES, TINT, ChartPicture, Plot
from cnn_tui.tui.dashboard.ticks import Axis
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.widgets.lines import Lines, Shown

Row = list[tuple[str, int]]

Canvas = list[Row]
"""Rows of texts, each with the number of its curve, -1 for axes and labels."""

GLYPH_EVERY = 5
"""Columns for at most two glyphs of a curve; closer together they would hide the others."""

Rasteriser = Callable[[Plot, int, int, bool], Canvas]
"""Draws a plot in a number of columns and rows, with tinted grounds or without."""


def rasterise(plot: Plot, width: int, height: int, tinted: bool = True) -> Canvas:
    """Draw in braille; every row is ``width`` columns wide."""
    # Then all ticks are on rows of the same distance.
    spare = (height - 3) % max(1, len(plot.y.ticks) - 1) if plot.y.even else 0
    canvas = _framed(plot, width, height - spare, tinted)
    return [[(" " * width, _NO_CURVE)] for _ in range(spare)] + canvas


def _framed(plot: Plot, width: int, height: int, tinted: bool) -> Canvas:
    empty, left = _empty(plot.x, plot.y, width, height), plot.y.label_width + 1
    columns, rows = width - left, height - 2
    canvas: Canvas = [[(row, _NO_CURVE)] for row in empty]
    if columns > 0 and rows > 0 and any(curve.points for curve in plot.curves):
        canvas = _drawn(empty, plot, columns, rows, tinted)
    return _marked(_named(canvas, plot.x.name), plot, columns)


def _drawn(empty: tuple[str, ...], plot: Plot, columns: int, rows: int, tinted: bool) -> Canvas:
    # Imported at the first curve: it needs NumPy, which a training has imported by then.
    from cnn_tui.tui.widgets.grid import Grid, over

    grid = Grid(columns, rows, (plot.x.low, plot.x.high), (plot.y.low, plot.y.high))
    for x, low, high in plot.spreads:
        grid.line([(x, low), (x, high)], _NO_CURVE)
    # The first curve over the others, and over all lines the glyphs, each in a cell of its own:
    # where curves share a cell, which has one colour, each can still be seen.
    joined = [(at, curve) for at, curve in reversed(list(enumerate(plot.curves))) if curve.joined]
    for number, curve in joined:
        grid.line(curve.points, number)
    for number, curve in enumerate(plot.curves):
        if not curve.joined:
            grid.places(curve.points, number, curve.glyph)
    named = [(number, curve.glyph) for number, curve in reversed(joined) if curve.names]
    for at, (number, glyph) in enumerate(named):
        grid.name(number, glyph, at, len(named), GLYPH_EVERY)
    for number, curve in reversed(joined):
        if curve.glyph and not curve.names:
            most = columns // (3 * GLYPH_EVERY if curve.sparse else GLYPH_EVERY)
            grid.glyphs(number, curve.glyph, most, highest=curve.sparse)
    for mark in plot.beyond:
        arrow = f"{ABOVE if mark.above else BELOW}{mark.text}"
        grid.write(mark.x, 0 if mark.above else -1, arrow, mark.curve)
    grid.band(*plot.band, BAND if tinted else DOTS, tinted=tinted)
    return over(empty, grid, plot.y.label_width + 1)


ABOVE, BELOW = "↑", "↓"


@lru_cache(32)
def _empty(x: Axis, y: Axis, width: int, height: int) -> tuple[str, ...]:
    """Draw frame, ticks and labels with plotext, in 10 ms; they seldom change."""
    # Imported at the first chart: 70 ms that the first screen does not wait for.
    import plotext

    # plotext draws on one figure, which all threads share.
    with _FIGURE:
        plotext.clear_figure()
        plotext.limit_size(False, False)
        plotext.plot_size(width, height)
        plotext.xaxes(True, False)
        plotext.yaxes(True, False)
        plotext.xlim(x.low, x.high)
        plotext.ylim(y.low, y.high)
        plotext.xticks(list(x.ticks), list(x.labels))
        plotext.yticks(list(y.ticks), list(y.labels))
        # Without any point plotext leaves the labels out.
        plotext.scatter([x.low], [y.low], marker=" ")
        return tuple(plotext.uncolorize(plotext.build()).splitlines()[:height])


_FIGURE = Lock()


def _named(canvas: Canvas, name: str) -> Canvas:
    """Write the name of the horizontal axis into the free corner left of its labels."""
    text, number = canvas[-1][0]
    if text[: len(name)].isspace():
        canvas[-1][0] = (name + text[len(name) :], number)
    return canvas


def _marked(canvas: Canvas, plot: Plot, columns: int) -> Canvas:
    """Add the cursor in empty cells, and marks on the axis."""
    scale = (columns - 1) / (plot.x.high - plot.x.low)
    left = plot.y.label_width + 1

    def column(x: float) -> int:
        return left + round((x - plot.x.low) * scale)

    marks = {column(mark) for mark in plot.marks if plot.x.low <= mark <= plot.x.high}
    if marks:
        canvas[-2] = _overlaid(canvas[-2], dict.fromkeys(marks, (MARK, MARKED)))
    if plot.cursor is not None and plot.x.low <= plot.cursor <= plot.x.high:
        line = {column(plot.cursor): ("│", MARKED)}
        canvas[:-2] = [_overlaid(row, line, over=" ") for row in canvas[:-2]]
    return canvas


MARK = "▲"


def _overlaid(row: Row, places: dict[int, tuple[str, int]], over: str = "") -> Row:
    """Replace the cells of some columns, with ``over`` only those that show that character."""
    cells = [(char, number) for text, number in row for char in text]
    for place, cell in places.items():
        if place < len(cells) and (not over or cells[place][0] == over):
            cells[place] = cell
    return [
        ("".join(char for char, _ in run), number)
        for number, run in groupby(cells, key=itemgetter(1))
    ]


_NO_CURVE = -1

MARKED = 100
"""The curve number of cursor and marks in a canvas."""

BAND = 101
"""The curve number of a band's edge."""
DOTS = 102
"""The curve number of a band that is dots."""


def chart_lines(
    picture: ChartPicture,
    width: int,
    height: int,
    rasteriser: Rasteriser = rasterise,
    tinted: bool = True,
) -> Sequence[Line]:
    """Draw a picture below its title, or say why there is none."""
    plot, title = picture.plot, picture.title_in(width)
    if plot is None or width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
        blank: list[Line] = [()] * max(0, height // 2 - 1)
        return [title, *blank, ((picture.note.center(width), "dim"),)]
    canvas = rasteriser(plot, width, height - 1, tinted)
    roles = [role_of(at if c.look is None else c.look) for at, c in enumerate(plot.curves)]
    return [title, *(_styled(row, roles) for row in canvas)]


class Chart(Lines):
    """A chart of a picture, whatever its subject."""

    DEFAULT_CLASSES = "panel"

    class Pointed(Message):
        """A place was clicked, or the wheel turned over it: by 1 to see less and larger."""

        def __init__(self, x: float, zoom: int = 0) -> None:
            super().__init__()
            self.x, self.zoom = x, zoom

    picture: Shown[ChartPicture] = Shown(ChartPicture())

    def __init__(self, *, id: str | None = None, rasteriser: Rasteriser = rasterise) -> None:
        super().__init__(id=id)
        self._rasterise = rasteriser

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return chart_lines(self.picture, width, height, self._rasterise, self._tinted)

    def on_click(self, event: events.Click) -> None:
        self._point(event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._point(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._point(event, -1)

    def _point(self, event: events.MouseEvent, zoom: int = 0) -> None:
        plot = self.picture.plot
        if plot is None:
            return
        left = plot.y.label_width + 1
        share = (self.place_of(event)[0] - left) / max(1, self.content_size.width - left - 1)
        if 0 <= share <= 1:
            x = plot.x.low + share * (plot.x.high - plot.x.low)
            self.post_message(self.Pointed(x, zoom))

    @property
    def _tinted(self) -> bool:
        """Whether the terminal can show a ground that is a little lighter."""
        link = getattr(self.app, "link", Link())
        return not link.ascii and link.color not in ("16", "none")


def _styled(row: list[tuple[str, int]], roles: Sequence[str]) -> Line:
    return tuple((text, _role(number, roles)) for text, number in row)


def _role(number: int, roles: Sequence[str]) -> str:
    if number >= TINT - 1:
        return f"{_role(number - TINT, roles)} tint"
    return roles[number] if 0 <= number < len(roles) else role_of(number)


def role_of(number: int) -> str:
    """Return the role of a curve by its number in a canvas."""
    if number in _OWN_ROLES:
        return _OWN_ROLES[number]
    return ROLES[number % len(ROLES)] if number >= 0 else "dim"


_OWN_ROLES = {MARKED: "strong", BAND: "band", DOTS: "faint"}


_LEAST_WIDTH = 16

_LEAST_HEIGHT = 5
