"""Pictures of different kinds beside one another, each with a line below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import Picture, colours_of, enlarged, fitted, lines_of
from cnn_tui.tui.words import clean, fit

_LARGEST = 64
"""Longest side of a picture in pixels."""
_GAP = 2
_LEAST_CAPTION = 12
_VEIL = 0.55
"""Share of the map's colour in an overlay."""


class Captioned(NamedTuple):
    """A picture and the line below it."""

    picture: Picture
    caption: str


class InRow(Seen):
    """The part of a view that shows pictures in a row; each view says which."""

    def pictures(self, colours: bool) -> Sequence[Captioned]:
        """Return the pictures; without ``colours`` those that glyphs can show."""
        raise NotImplementedError

    def drawn(self, canvas: Canvas) -> Drawn:
        return Drawn(draw_row(self.pictures(canvas.form == "blocks"), canvas))

    def pixels(self) -> NDArray[np.uint8] | None:
        return beside(self.pictures(True))


def draw_row(pictures: Sequence[Captioned], canvas: Canvas) -> list[Line]:
    """Draw pictures as large as the room allows, in one row or two."""
    across, side = max(
        ((across, _side(pictures, across, canvas)) for across in _columns(pictures, canvas)),
        key=lambda each: each[1],
    )
    width = max(_LEAST_CAPTION, *(_size(each.picture, side)[1] for each in pictures)) + _GAP
    # Captions take the room that pictures leave.
    longest = max(len(clean(each.caption)) for each in pictures)
    width = max(width, min(longest + _GAP, (canvas.width - 1) // across))
    rows: list[Line] = []
    for start in range(0, len(pictures), across):
        part = pictures[start : start + across]
        drawn = [lines_of(_at(each.picture, side), canvas.form) for each in part]
        for y in range(max(map(len, drawn))):
            cells = [lines[y] if y < len(lines) else () for lines in drawn]
            rows.append(((" ", ""), *(run for cell in cells for run in _padded(cell, width))))
        names = (fit(clean(each.caption), width - 1).ljust(width) for each in part)
        rows.append(((f" {''.join(names)}".rstrip(), "dim"),))
    return rows


def beside(pictures: Sequence[Captioned], side: int = 224) -> NDArray[np.uint8]:
    """Return the pictures as one, ``(H, W, 3)``."""
    drawn = [colours_of(_at(each.picture, side)) for each in pictures]
    height = max(len(pixels) for pixels in drawn)
    parts = [
        np.pad(pixels, ((2, height - len(pixels) + 2), (2, 2), (0, 0)), constant_values=24)
        for pixels in drawn
    ]
    return np.concatenate(parts, axis=1)


def overlay(image: NDArray[np.uint8], heat: NDArray[np.floating], scale: float) -> Picture:
    """Return a map laid over its image ``(C, H, W)``, both in colour."""
    colours = colours_of(Picture(stretched(heat, image)[None], "map", scale)).astype(float)
    ground = colours_of(Picture(image)).mean(axis=2, keepdims=True)
    mixed = (_VEIL * colours + (1 - _VEIL) * ground).astype(np.uint8)
    return Picture(np.moveaxis(mixed, 2, 0))


def stretched(heat: NDArray[np.floating], image: NDArray[np.uint8]) -> NDArray[np.floating]:
    """Return a map with as many rows and columns as the image that it is about."""
    height, width = image.shape[1:]
    rows = np.arange(height) * heat.shape[0] // height
    columns = np.arange(width) * heat.shape[1] // width
    larger: NDArray[np.floating] = heat[rows[:, None], columns]
    return larger


def _columns(pictures: Sequence[Captioned], canvas: Canvas) -> Sequence[int]:
    """The numbers of columns to try: those of one row, then of two; fewer if it is narrow."""
    room = max(1, (canvas.width - 1) // (_LEAST_CAPTION + _GAP))
    return [min(room, len(pictures)), min(room, -(-len(pictures) // 2))]


def _side(pictures: Sequence[Captioned], across: int, canvas: Canvas) -> int:
    """The longest side at which they fit into this many columns."""
    rows = -(-len(pictures) // across)
    wide = (canvas.width - 1) // across - _GAP
    tall = _LARGEST if canvas.height is None else 2 * (canvas.height // rows - 1)
    return max(8, min(_LARGEST, wide, tall))


def _size(picture: Picture, side: int) -> tuple[int, int]:
    height, width = _at(picture, side).values.shape[1:]
    return height, width


def _at(picture: Picture, side: int) -> Picture:
    values = picture.values
    longer = max(values.shape[1:])
    if longer > side:
        return picture._replace(values=fitted(values, side))
    return picture._replace(values=enlarged(values, side // longer))


def _padded(line: Line, width: int) -> Line:
    return (*line, (" " * (width - sum(len(text) for text, _ in line)), ""))
