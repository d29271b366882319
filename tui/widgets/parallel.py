"""Draws parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.tui.rows import Line
from cnn_tui.tui.sweeps.parallel import ROOM, Parallels

_LEAST = 4
"""Rows of the lines; below them a picture says nothing."""
_AXIS = "│"


def draw_parallels(picture: Parallels, width: int, height: int) -> list[Line]:
    """Draw the lines between their axes, with the names above and the ends above and below."""
    rows = height - 3
    if rows < _LEAST or width < 2 * ROOM:
        return [(("There is no room for this picture.", "dim"),)]
    # Imported at the first picture: it needs NumPy.
    from cnn_tui.tui.widgets.grid import Grid, over

    left = ROOM // 2
    columns = width - 2 * left
    last = len(picture.axes) - 1
    places = [left + round(at * (columns - 1) / last) for at in range(last + 1)]
    grid = Grid(columns, rows, (0.0, float(last)), (0.0, 1.0))
    for number, strand in enumerate(picture.strands):
        grid.line(strand.points, number)
    for number, strand in enumerate(picture.strands):
        if strand.glyph:
            grid.places(strand.points, number, strand.glyph)
    blank = "".join(_AXIS if at in places else " " for at in range(width))
    roles = [strand.role for strand in picture.strands]
    canvas = over([blank] * rows, grid, left)
    axes = picture.axes
    names = [(axis.name, "accent" if axis.marked else "strong") for axis in axes]
    return [
        _labels(places, names, width),
        _labels(places, [(axis.high, "dim") for axis in axes], width),
        *(tuple((text, roles[at] if at >= 0 else "dim") for text, at in row) for row in canvas),
        _labels(places, [(axis.low, "dim") for axis in axes], width),
    ]


def _labels(places: Sequence[int], labels: Sequence[tuple[str, str]], width: int) -> Line:
    """Centre texts on their axes; none may touch the next."""
    line: list[tuple[str, str]] = []
    used = 0
    for place, (text, role) in zip(places, labels, strict=True):
        start = max(used, min(place - len(text) // 2, width - len(text)))
        line += [(" " * (start - used), ""), (text, role)]
        used = start + len(text)
    return tuple(line)
