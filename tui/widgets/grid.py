"""Lines of dots in braille characters, each of two by four."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Dot = tuple[int, int]
"""Columns from the left and rows from the bottom."""

_BITS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Of a character's left and right column of dots, from the bottom."""


class Grid:
    """Cells of dots; a cell, which has one colour, belongs to what is drawn into it last."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._dots: dict[tuple[int, int], int] = {}
        self._numbers: dict[tuple[int, int], int] = {}
        self._glyphs: dict[tuple[int, int], str] = {}

    def line(self, points: Sequence[Dot], number: int) -> None:
        """Connect points; a single one is a dot."""
        if len(points) == 1:
            self._stroke(points[0][0], points[0][1], points[0][1], number)
        for (x, y), (end_x, end_y) in pairwise(points):
            steps = max(1, end_x - x)
            before = y
            for step in range(1, steps + 1):
                here = y + round((end_y - y) * step / steps)
                self._stroke(x + step - (end_x > x), before, here, number)
                before = here
            self._stroke(end_x, end_y, end_y, number)

    def bar(self, x: int, low: int, high: int, number: int) -> None:
        """Connect two points of a column."""
        self._stroke(x, low, high, number)

    def glyphs(self, points: Sequence[Dot], number: int, glyph: str) -> None:
        """Write a character at each point."""
        for x, y in points:
            cell = self._cell(x, y)
            self._glyphs[cell], self._numbers[cell] = glyph, number

    def cells(self) -> dict[int, dict[int, tuple[str, int]]]:
        """Row from the top, column, then the character and the number of its curve."""
        rows: dict[int, dict[int, tuple[str, int]]] = {}
        for cell, number in self._numbers.items():
            char = self._glyphs.get(cell) or chr(0x2800 | self._dots[cell])
            rows.setdefault(cell[0], {})[cell[1]] = (char, number)
        return rows

    def _cell(self, x: int, y: int) -> tuple[int, int]:
        return self.rows - 1 - y // 4, x // 2

    def _stroke(self, x: int, start: int, end: int, number: int) -> None:
        """A column of dots."""
        bits = _BITS[x & 1]
        for y in range(min(start, end), max(start, end) + 1):
            cell = self._cell(x, y)
            own = self._numbers.get(cell) == number
            self._dots[cell] = bits[y & 3] | (self._dots[cell] if own else 0)
            self._numbers[cell] = number
