"""The cells of a terminal: their present content, and the shortest output that changes it.

Textual sends a widget's row from its first column to its last changed one, with every style in
full. A chart in which a few dots moved is then 10 KB, which makes a screen lag over SSH. This
module reads Textual's output, remembers it cell by cell, and writes only the cells that differ.

It parses what Textual writes, which is not a public format: once Textual compares cells by itself,
delete this file and the driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from rich.cells import cell_len

_TOKEN = re.compile(
    r"\x1b\[(?P<y>\d+);(?P<x>\d+)H"
    r"|\x1b\[(?P<look>[\d;]*)m"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
    r"|(?P<down>\n)"
    r"|(?P<other>\x1b\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]"
    r"|\x1b[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[^\x1b\[]|[\x00-\x1f\x7f])"
)
_FORGETS = re.compile(r"\x1b\[\?(?:1049|47)[hl]|\x1b\[[0-3]?J|\x1bc")
"""Sequences that clear the screen or switch to another one."""

_NARROW = re.compile(r"[\x20-\x7e\u2500-\u259f\u2800-\u28ff]*")
"""Letters, lines, blocks and braille, each certainly one column wide; nearly all that is drawn."""

_GAP = 4
"""Up to this many equal cells, sending them again is no longer than moving the cursor."""

Cell = tuple[str, str]
"""A character and its style, as the numbers of ``ESC [ ... m``."""


class Look(NamedTuple):
    """A style in its parts."""

    attributes: str
    foreground: str
    background: str


class Cells:
    """The content of the terminal, as far as it is known."""

    def __init__(self) -> None:
        self._known: dict[int, dict[int, Cell]] = {}
        self._wanted: dict[int, dict[int, Cell]] = {}
        self._x = self._y = 0
        self._look = ""
        self._cursor: tuple[int, int] | None = None

    def forget(self) -> None:
        """Forget the content: everything written next is sent."""
        self._known.clear()
        self._cursor = None

    def reduce(self, data: str) -> str:
        """Return the shortest output found that has the same effect as ``data``."""
        out: list[str] = []
        for match in _TOKEN.finditer(data):
            match match.lastgroup:
                case "x":
                    self._x, self._y = int(match["x"]), int(match["y"])
                case "look":
                    self._turn(match["look"])
                case "text":
                    self._put(match["text"])
                case "down":
                    self._y += 1
                case _:
                    out += [self._changes(), match["other"]]
                    if _FORGETS.match(match["other"]):
                        self.forget()
        return "".join((*out, self._changes()))

    def _turn(self, look: str) -> None:
        if look in ("", "0"):
            self._look = ""
        else:
            self._look = f"{self._look};{look}" if self._look else look

    def _put(self, text: str) -> None:
        row = self._wanted.setdefault(self._y, {})
        if _NARROW.fullmatch(text):
            end = self._x + len(text)
            row.update(zip(range(self._x, end), zip(text, repeat(self._look)), strict=True))
            self._x = end
            return
        for char in text:
            width = 1 if char.isascii() else cell_len(char)
            if width == 0:
                before = row.get(self._x - 1, ("", self._look))
                row[self._x - 1] = (before[0] + char, before[1])
                continue
            row[self._x] = (char, self._look)
            for column in range(self._x + 1, self._x + width):
                row[column] = ("", self._look)
            self._x += width

    def _changes(self) -> str:
        """Return the wanted cells that differ, and the final cursor position."""
        pen = _Pen(self._cursor)
        for y, row in sorted(self._wanted.items()):
            known = self._known.setdefault(y, {})
            for start, end in _stretches(known, row):
                pen.write(y, start, [row[x] for x in range(start, end)])
            known |= row
        self._wanted.clear()
        pen.finish(self._y, self._x)
        self._cursor = pen.position
        return "".join(pen.out)


def _stretches(known: dict[int, Cell], row: dict[int, Cell]) -> Iterator[tuple[int, int]]:
    """Yield the columns to be sent, as ``(start, end)``."""
    changed = sorted(x for x, cell in row.items() if known.get(x) != cell)
    start = end = -1
    for x in changed:
        if 0 <= x - end <= _GAP and all(between in row for between in range(end, x)):
            end = x + 1
            continue
        if end > 0:
            yield start, end
        # The second half of a wide character cannot be sent without its first.
        start = x - 1 if row[x][0] == "" and x - 1 in row else x
        end = x + 1
    if end > 0:
        yield start, end


class _Pen:
    """Writes cells with as few changes of position and style as possible."""

    def __init__(self, position: tuple[int, int] | None) -> None:
        self.out: list[str] = []
        self.position = position
        self._look = ""

    def write(self, y: int, x: int, cells: list[Cell]) -> None:
        self._go(y, x)
        for char, look in cells:
            if look != self._look:
                self.out.append(f"\x1b[{_change(self._look, look)}m")
                self._look = look
            self.out.append(char)
        self.position = (y, x + len(cells))

    def finish(self, y: int, x: int) -> None:
        if self._look:
            self.out.append("\x1b[m")
        if y:
            self._go(y, x)

    def _go(self, y: int, x: int) -> None:
        if self.position == (y, x):
            return
        if self.position and self.position[0] == y and self.position[1] < x:
            step = x - self.position[1]
            self.out.append(f"\x1b[{step if step > 1 else ''}C")
        else:
            self.out.append(f"\x1b[{y};{x}H")
        self.position = (y, x)


@lru_cache(4096)
def _change(before: str, after: str) -> str:
    """Return the numbers that change one style into another."""
    old, new = _parts(before), _parts(after)
    if old.attributes != new.attributes:
        return ";".join(["0", *filter(None, new)]) if after else ""
    parts = []
    if old.foreground != new.foreground:
        parts.append(new.foreground or "39")
    if old.background != new.background:
        parts.append(new.background or "49")
    return ";".join(parts)


@lru_cache(4096)
def _parts(look: str) -> Look:
    """Split a style into attributes, foreground and background."""
    attributes: list[str] = []
    foreground = background = ""
    numbers = iter(look.split(";") if look else ())
    for number in numbers:
        color = number
        if number in ("38", "48"):
            kind = next(numbers, "5")
            color = ";".join([number, kind, *_take(numbers, 1 if kind == "5" else 3)])
        if number == "38" or _between(number, 30, 39) or _between(number, 90, 97):
            foreground = color
        elif number == "48" or _between(number, 40, 49) or _between(number, 100, 107):
            background = color
        else:
            attributes.append(number)
    return Look(";".join(attributes), foreground, background)


def _take(numbers: Iterator[str], count: int) -> list[str]:
    return [next(numbers, "0") for _ in range(count)]


def _between(number: str, low: int, high: int) -> bool:
    return number.isdigit() and low <= int(number) <= high
