"""A sheet of numbered pictures: as large as the room allows, in pages if they are many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.tui.inspect.canvas import Canvas, Drawn
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import Picture, colours_of, fitted, lines_of
from cnn_tui.tui.terminal.link import Form
from cnn_tui.tui.words import clean, fit

_LARGEST, _SMALLEST = 56, 8
"""Longest sides of pictures, in pixels."""
_READABLE = 10
"""Least side of pictures that do not fit on one page."""
_CAPTION = (8, 16)
"""Least columns of a caption, and most that it takes from the pictures."""


_ASPECT = 1.5
"""Width of a contact sheet by its height, about."""


class Tile(NamedTuple):
    """A numbered picture."""

    number: int
    picture: Picture
    words: str = ""
    """Stands after the number."""
    mark: str = ""
    """The fault of the filter, which stands first, and stands out."""


def draw_sheet(tiles: Sequence[Tile], canvas: Canvas) -> Drawn:
    """Draw the tiles in rows, each above its caption; none is left out without a page.

    On one page they stand by their numbers, so that nothing moves while a run trains; on several
    in the order given, the most important first.
    """
    side = _side(tiles, canvas)
    cells = _room(tiles, side)
    columns, rows = _grid(cells, canvas)
    rows = rows or -(-len(tiles) // columns)
    pages = -(-len(tiles) // (columns * rows))
    ordered = tiles if pages > 1 else sorted(tiles, key=lambda tile: tile.number)
    start = min(canvas.page, pages - 1) * columns * rows
    shown = ordered[start : start + columns * rows]
    lines: list[Line] = []
    for at in range(0, len(shown), columns):
        lines += _row(shown[at : at + columns], side, cells, canvas)
    return Drawn(lines, pages, [tile.number for tile in ordered], columns * rows)


def contact_sheet(tiles: Sequence[Tile], side: int = 64) -> NDArray[np.uint8]:
    """Return all tiles in one picture ``(H, W, 3)``, by their numbers, row by row."""
    ordered = sorted(tiles, key=lambda tile: tile.number)
    pictures = [colours_of(_at(tile.picture, side)) for tile in ordered]
    height, width = (max(sizes) + 2 for sizes in zip(*(p.shape[:2] for p in pictures), strict=True))
    columns = max(1, math.ceil((_ASPECT * len(pictures) * height / width) ** 0.5))
    rows = -(-len(pictures) // columns)
    whole = np.full((rows * height + 2, columns * width + 2, 3), 24, np.uint8)
    for at, picture in enumerate(pictures):
        top, left = at // columns * height + 2, at % columns * width + 2
        whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return whole


def _side(tiles: Sequence[Tile], canvas: Canvas) -> int:
    """The longest side of the pictures: the largest at which all fit on the page.

    Where there are pages, or no end of rows, the smallest that shows enough.
    """
    sides = list(_sides(max(tiles[0].picture.values.shape[1:]), canvas.form))
    within = [side for side in sides if _grid(_room(tiles, side), canvas)[0]] or sides[-1:]
    fitting = [side for side in within if _fits(tiles, side, canvas)]
    readable = [side for side in within if side >= _READABLE] or within[:1]
    chosen = fitting[0] if fitting else readable[-1]
    return within[max(0, min(len(within) - 1, within.index(chosen) - canvas.zoom))]


def _fits(tiles: Sequence[Tile], side: int, canvas: Canvas) -> bool:
    columns, rows = _grid(_room(tiles, side), canvas)
    return columns * rows >= len(tiles)


def _sides(longest: int, form: Form) -> Iterator[int]:
    """Sizes in which each pixel is drawn alike, largest first.

    Glyphs stand for two rows: pixels of an even number of rows are not mixed.
    """
    for by in range(max(1, _LARGEST // longest), 0, -1):
        if form == "blocks" or by % 2 == 0 or by == 1:
            yield longest * by
    # Smaller ones are averaged, so that any size will do.
    yield from range(longest - longest % 2 - 2, _SMALLEST - 1, -2)


def _at(picture: Picture, side: int) -> Picture:
    return picture._replace(values=fitted(picture.values, side))


def _room(tiles: Sequence[Tile], side: int) -> tuple[int, int]:
    """Columns and rows of a tile with its caption and the space after it."""
    height, width = tiles[0].picture.values.shape[1:]
    by = side / max(height, width)
    least, most = _CAPTION
    caption = min(most, max(len(_head(tile, False)) + len(_rest(tile)) for tile in tiles))
    return max(least, caption, round(width * by)) + 2, -(-round(height * by) // 2) + 1


def _grid(cells: tuple[int, int], canvas: Canvas) -> tuple[int, int]:
    """How many tiles fit beside and above one another; 0 rows for any number of them."""
    columns = (canvas.width - 1) // cells[0]
    if canvas.height is None:
        return columns, 0
    rows = canvas.height // cells[1]
    return (columns, rows) if columns and rows else (0, 0)


def _row(tiles: Sequence[Tile], side: int, cells: tuple[int, int], canvas: Canvas) -> list[Line]:
    width, height = cells
    drawn = [lines_of(_at(tile.picture, side), canvas.form) for tile in tiles]
    rows: list[Line] = []
    for y in range(height - 1):
        parts: list[tuple[str, str]] = [(" ", "")]
        for lines in drawn:
            line = lines[y] if y < len(lines) else ()
            parts += [*line, (" " * (width - sum(len(text) for text, _ in line)), "")]
        rows.append(tuple(parts))
    captions = (_caption(tile, width, tile.number == canvas.chosen) for tile in tiles)
    return [*rows, ((" ", ""), *(run for caption in captions for run in caption))]


def _caption(tile: Tile, width: int, chosen: bool) -> Line:
    name = _head(tile, chosen)
    head = name if len(name) < width else fit(name, width - 1)
    rest = fit(_rest(tile), width - 1 - len(head)) if tile.words else ""
    role = "cursor" if chosen else "warn" if tile.mark else "strong"
    return ((head, role), (rest.ljust(width - len(head)), "dim"))


def _head(tile: Tile, chosen: bool) -> str:
    return f"{'>' if chosen else ''}{tile.number}" + f" {tile.mark}" * bool(tile.mark)


def _rest(tile: Tile) -> str:
    return clean(f" {tile.words}") if tile.words else ""
