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
_CAPTION, _WHOLE = 8, 14
"""Least columns of a caption, and up to how many it is given what its longest needs."""


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
    four: bool = False
    """Whether the quarters are pictures of their own, drawn with a gap between them."""


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
    pictures = [colours_of(_at(tile, side)) for tile in ordered]
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


def _at(tile: Tile, side: int, form: Form = "blocks", ground: int = Canvas.ground) -> Picture:
    values = fitted(tile.picture.values, side)
    if tile.four:
        _, height, width = values.shape
        # A glyph stands for two rows, which are not to be mixed.
        rows = [height // 2] * (1 if form == "blocks" else 2)
        values = np.insert(np.insert(values, rows, ground, axis=1), width // 2, ground, axis=2)
    return tile.picture._replace(values=values)


def _room(tiles: Sequence[Tile], side: int) -> tuple[int, int]:
    """Columns and rows of a tile with its caption and the space after it."""
    height, width = tiles[0].picture.values.shape[1:]
    by, gap = side / max(height, width), 2 * tiles[0].four
    rows = -(-(round(height * by) + gap) // 2) + 1
    return max(_captions(tiles), round(width * by) + gap) + 2, rows


def _captions(tiles: Sequence[Tile]) -> int:
    """Columns of the captions: as many as show them whole, where that costs little."""
    longest = max(
        len(_name(tile)) + len(clean(f" {tile.words}" * bool(tile.words))) for tile in tiles
    )
    return max(_CAPTION, min(_WHOLE, longest))


def _grid(cells: tuple[int, int], canvas: Canvas) -> tuple[int, int]:
    """How many tiles fit beside and above one another; 0 rows for any number of them."""
    columns = (canvas.width - 1) // cells[0]
    if canvas.height is None:
        return columns, 0
    rows = canvas.height // cells[1]
    return (columns, rows) if columns and rows else (0, 0)


def _row(tiles: Sequence[Tile], side: int, cells: tuple[int, int], canvas: Canvas) -> list[Line]:
    width, height = cells
    pictures = (_at(tile, side, canvas.form, canvas.ground) for tile in tiles)
    drawn = [lines_of(picture, canvas.form) for picture in pictures]
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
    name = f"{'>' if chosen else ''}{_name(tile)}"
    head = name if len(name) < width else fit(name, width - 1)
    rest = fit(clean(f" {tile.words}"), width - 1 - len(head)) if tile.words else ""
    role = "cursor" if chosen else "warn" if tile.mark else "strong"
    return ((head, role), (rest.ljust(width - len(head)), "dim"))


def _name(tile: Tile) -> str:
    return f"{tile.number}" + f" {tile.mark}" * bool(tile.mark)
