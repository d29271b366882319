"""Lines of braille dots, two by four in a character, drawn with arrays.

A chart is drawn while a network trains in the same process: loops in Python took 10 ms, with the
GIL held, during which the training waited.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_tui.tui.dashboard.plots import TINT

Numbers = NDArray[Any]
Points = Sequence[tuple[float, float]]

_ACROSS, _UP = 2, 4
"""Dots of a character."""
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
"""Bits of the dots in rows from the top, left and right."""
_BRAILLE = np.uint32(0x2800)
_ASIDE = (0, 1, 2, 3, 4, -1, -2, -3, -4)
"""Columns beside its place where a glyph is put if others are there."""
_NAMES = 4
"""How often a curve is named, about, on a grid that is wide enough."""
_LOWER = np.uint32(0x2580)
"""The lower blocks follow it, from an eighth to a whole cell."""


class Grid:
    """Cells of dots; a cell has one colour, that of the curve drawn into it last.

    The visible range is ``x_range`` by ``y_range``; values outside are drawn at the edge.
    """

    def __init__(
        self,
        columns: int,
        rows: int,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
    ) -> None:
        self.columns, self.rows = columns, rows
        self._x, self._y = x_range, y_range
        self.chars = np.zeros((rows, columns), "<u4")
        """The drawn characters, 0 for nothing."""
        self.numbers = np.full((rows, columns), -1)
        self.tint = np.zeros((rows, columns), bool)
        """The cells with a tinted ground."""
        self._lines: dict[int, tuple[Numbers, Numbers]] = {}
        self._marked: set[tuple[int, int]] = set()
        """The cells with a glyph of a line."""

    def line(self, points: Points, number: int) -> None:
        """Connect points in order of x; points outside the range of x or not finite are skipped.

        Every column of dots shows its least and greatest value, so that no peak is lost.
        """
        x, y = self._lines[number] = self._dots(points)
        if not len(x):
            return
        low, high = _spans(x, y)
        up = np.arange(self.rows * _UP - 1, -1, -1)[:, None]
        dots = np.zeros((self.rows * _UP, self.columns * _ACROSS), bool)
        dots[:, x[0] : x[-1] + 1] = (up >= low) & (up <= high)
        cells = dots.view(np.uint8).reshape(self.rows, _UP, self.columns, _ACROSS)
        bits = np.einsum("rucd,ud->rc", cells, _BITS)
        drawn = bits > 0
        self.chars[drawn] = bits[drawn] + _BRAILLE
        self.numbers[drawn] = number

    def band(self, lower: Points, upper: Points, number: int, *, tinted: bool) -> None:
        """Show the range between two curves over the same x behind what is drawn already.

        It tints the ground of its cells, ending on a quarter of a row; or, for terminals with few
        colours, it puts dots into the empty ones.
        """
        x, y = self._dots(lower)
        if not len(x):
            return
        low, high = _spans(x, y)
        if upper is not lower:
            high = _spans(*self._dots(upper))[1]
        cells = (x[0] + np.arange(len(low))) // _ACROSS
        starts = np.flatnonzero(np.diff(cells, prepend=-1))
        low, high = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
        ground = np.arange(self.rows - 1, -1, -1)[:, None] * _UP
        dots = (high + 1 - ground).clip(0, _UP) - (low - ground).clip(0, _UP)
        filled = np.zeros((self.rows, self.columns), int)
        filled[:, cells[starts]] = dots.clip(0)
        # The lower end of a cell is empty where the range begins above it.
        rises = np.zeros((self.rows, self.columns), bool)
        rises[:, cells[starts]] = low > ground
        free = self.chars == 0
        edge = free & tinted & (filled > 0) & (filled < _UP) & ~rises
        self.chars[edge] = _LOWER + 2 * filled[edge]
        edge |= self._write(free & tinted & rises & (filled > 1) & (filled < _UP), "▀")
        edge |= self._write(free & (not tinted) & (filled > 1), "·")
        self.numbers[edge] = number
        self.tint |= ~edge & (filled > 1) & tinted

    def glyphs(self, number: int, glyph: str, most: int, *, highest: bool = False) -> None:
        """Write a character on a line, at its least and greatest in each of ``most`` parts.

        Where another line has its character already, this one stands beside it. ``highest`` leaves
        out the least.
        """
        x, y = self._lines[number]
        part = x * max(1, most) // (self.columns * _ACROSS)
        bounds = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(x)]
        for start, end in pairwise(bounds):
            if start < end:
                here = y[start:end]
                ends = [here.argmax()] if highest else [here.argmin(), here.argmax()]
                places = start + np.array(ends)
                rows, columns = self.rows - 1 - y[places] // _UP, x[places] // _ACROSS
                for row, column in dict.fromkeys(zip(rows.tolist(), columns.tolist(), strict=True)):
                    cell = self._beside(row, column)
                    self._marked.add(cell)
                    self.chars[cell], self.numbers[cell] = ord(glyph), number

    def name(self, number: int, glyph: str, at: int, curves: int, least: int) -> None:
        """Write the character of curve ``at`` of some on its line, away from those of the others.

        It stands a few times on a line across the whole grid, ``least`` columns from the next one
        if there are not too many curves; on a line that is too short for that at its end.
        """
        x, y = self._lines[number]
        if not len(x):
            return
        low, high = _spans(x, y)
        apart = max(1, self.columns // (_NAMES * curves), min(least, self.columns // curves))
        first, last = (int(end) // _ACROSS for end in (x[0], x[-1]))
        places = range(apart // 2 + at * apart, self.columns, apart * curves)
        for column in [place for place in places if first < place < last] or [last]:
            dot = min(max(0, column * _ACROSS - int(x[0])), len(low) - 1)
            cell = self._beside(self.rows - 1 - int(low[dot] + high[dot]) // 2 // _UP, column)
            self._marked.add(cell)
            self.chars[cell], self.numbers[cell] = ord(glyph), number

    def _beside(self, row: int, column: int) -> tuple[int, int]:
        """Return the nearest cell without a glyph, to the right if there is one."""
        cells = ((row, column + by) for by in _ASIDE if 0 <= column + by < self.columns)
        return next((cell for cell in cells if cell not in self._marked), (row, column))

    def write(self, x: float, row: int, text: str, number: int) -> None:
        """Write a text from ``x`` on, or before it where there is no room."""
        left, right = self._x
        column = round((x - left) / (right - left) * (self.columns - 1))
        start = max(0, min(column, self.columns - len(text)))
        for at, char in enumerate(text[: self.columns], start):
            self.chars[row, at], self.numbers[row, at] = ord(char), number

    def places(self, points: Points, number: int, glyph: str) -> None:
        """Write a character at each point."""
        x, y = self._dots(points)
        cells = self.rows - 1 - y // _UP, x // _ACROSS
        self.chars[cells], self.numbers[cells] = ord(glyph), number

    def _write(self, where: Numbers, char: str) -> Numbers:
        self.chars[where] = ord(char)
        return where

    def _dots(self, points: Points) -> tuple[Numbers, Numbers]:
        """Return columns from the left and rows from the bottom."""
        (left, right), (bottom, top) = self._x, self._y
        plane = np.fromiter(chain.from_iterable(points), float, 2 * len(points))
        x, y = plane[::2], plane[1::2]
        seen = (x >= left) & (x <= right) & np.isfinite(y)
        x, y = x[seen], y[seen].clip(bottom, top)
        across = (self.columns * _ACROSS - 1) / (right - left)
        up = (self.rows * _UP - 1) / (top - bottom)
        return np.rint((x - left) * across).astype(int), np.rint((y - bottom) * up).astype(int)


def _spans(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """Return the lowest and the highest dot of each column from the first to the last."""
    starts = np.flatnonzero(np.diff(x, prepend=-1))
    ends = np.append(starts[1:], len(x)) - 1
    columns = x[starts]
    low, high = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    gaps = np.diff(columns)
    of = np.repeat(np.arange(len(gaps)), gaps)
    before = np.arange(len(of)) - (columns[:-1] - columns[0])[of]
    begin, rise = y[ends][of], y[starts][of + 1] - y[ends][of]
    here = begin + np.rint(rise * before / gaps[of]).astype(int)
    there = begin + np.rint(rise * (before + 1) / gaps[of]).astype(int)
    lowest, highest = np.minimum(here, there), np.maximum(here, there)
    lowest, highest = np.append(lowest, low[-1]), np.append(highest, high[-1])
    at = columns - columns[0]
    lowest[at] = np.minimum(lowest[at], low)
    highest[at] = np.maximum(highest[at], high)
    return lowest, highest


def over(canvas: Sequence[str], grid: Grid, left: int) -> list[list[tuple[str, int]]]:
    """Return rows of texts with their curve numbers, -1 for what remains of ``canvas``.

    The grid begins in column ``left`` of the first row.
    """
    rows: list[list[tuple[str, int]]] = [[(row, -1)] for row in canvas]
    whole = "".join(canvas[: grid.rows])
    chars = np.frombuffer(whole.encode("utf-32-le"), "<u4").reshape(grid.rows, -1).copy()
    numbers = np.full(chars.shape, -1)
    inside = slice(left, left + grid.columns)
    np.copyto(chars[:, inside], grid.chars, where=grid.chars > 0)
    numbers[:, inside] = grid.numbers + TINT * grid.tint
    text, across = chars.tobytes().decode("utf-32-le"), chars.shape[1]
    for at, row in enumerate(numbers):
        bounds = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), across]
        begin = at * across
        rows[at] = [
            (text[begin + start : begin + end], int(row[start])) for start, end in pairwise(bounds)
        ]
    return rows
