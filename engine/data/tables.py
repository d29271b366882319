"""CSV files that may be hostile: separator, header and lines, a block at a time, gzipped or not."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import IO, NamedTuple

from cnn_tui.engine.data.tree import Tree, explained, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import show

_BLOCK = 8 << 20
_LONGEST = 8 << 20
"""Bytes of a line."""
_MOST_COLUMNS = 1 << 18
"""Room for 256x256 pixels in colour."""
_GZIP = b"\x1f\x8b"
_BOM = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PEEKED = 64
"""Rows that are looked at to understand a file."""
_Bytes = IO[bytes] | gzip.GzipFile
IsHeader = Callable[[Sequence[Sequence[str]]], bool]
_HINT = "Save it as CSV in UTF-8, with the same columns in every row."


class Block(NamedTuple):
    """Some lines of a file, none empty."""

    lines: list[str]
    numbers: Sequence[int]
    """The number of each line in the file, from 1."""


class CsvTable:
    """An open file of rows.

    Args:
        stream: The file, at its beginning.
        where: Its place, to begin a message with.
        is_header: Tells from the first rows whether the first one holds the names of the columns.
    """

    def __init__(self, stream: _Bytes, where: str, is_header: IsHeader) -> None:
        self.where = where
        self._blocks = _blocks(stream, where)
        self._first = _without_comments(next(self._blocks, Block([], [])))
        if not self._first.lines:
            raise DataError(f"{where}: expected rows, but it is empty.", _HINT)
        head = self._first.lines[0]
        self.separator = _separator(head)
        """The character between cells."""
        lines, numbers = self._first
        peeked = [cells for _, cells in self.rows(Block(lines[:_PEEKED], numbers[:_PEEKED]))]
        self.header = tuple(peeked[0]) if is_header(peeked) else ()
        """Names of the columns; empty if there are none."""
        self.peeked = peeked[bool(self.header) :]
        """The first rows."""
        if not self.peeked:
            raise DataError(
                f"{where}: expected rows below the names of columns, found none.", _HINT
            )
        self.columns = len(self.peeked[0])
        if self.header:
            self.require_width(numbers[0], len(self.header))

    def blocks(self) -> Iterator[Block]:
        """The rows without the header, once."""
        skip = int(bool(self.header))
        yield Block(self._first.lines[skip:], self._first.numbers[skip:])
        yield from self._blocks

    def rows(self, block: Block) -> Iterator[tuple[int, list[str]]]:
        """The cells of each line of a block, with its number.

        Raises:
            DataError: A quote is not closed, or there are too many columns.
        """
        for line, number in zip(block.lines, block.numbers, strict=True):
            try:
                (cells,) = csv.reader([line], delimiter=self.separator, strict=True)
            except (csv.Error, ValueError):
                raise self.wrong(number, "expected a closing quote in the same line") from None
            if len(cells) > _MOST_COLUMNS:
                raise self.wrong(
                    number,
                    f"expected at most {_MOST_COLUMNS:,} columns, received {len(cells):,}",
                )
            yield number, [self._cell(cell.strip()) for cell in cells]

    def _cell(self, cell: str) -> str:
        """A cell with a decimal point: where semicolons part cells, commas may stand for it."""
        pointed = cell.replace(",", ".")
        return pointed if self.separator == ";" and is_number(pointed) else cell

    def checked(self) -> Iterator[tuple[int, list[str]]]:
        """Every row, each with as many cells as the first one.

        Raises:
            DataError: A row has another number of cells.
        """
        for block in self.blocks():
            for number, cells in self.rows(block):
                self.require_width(number, len(cells))
                yield number, cells

    def require_width(self, number: int, received: int) -> None:
        """Refuse a row that has another number of cells than the first one."""
        if received != self.columns:
            raise self.wrong(number, f"expected {self.columns:,} cells, received {received:,}")

    def name(self, column: int) -> str:
        """A column in words, for a message."""
        return show(self.header[column]) if self.header else f"{column + 1:,}"

    def wrong(self, number: int, what: str, hint: str = _HINT) -> DataError:
        """The error for a line of this file."""
        return DataError(f"{self.where}, line {number:,}: {what}.", hint)


def _separator(line: str) -> str:
    """The character that parts the cells of a line; a blank, as in numpy.savetxt, if no other."""
    usual = max(",;\t|", key=line.count)
    return usual if usual in line or " " not in line.strip() else " "


def _without_comments(block: Block) -> Block:
    """The block without lines before the table that begin with ``#``.

    The last of them may be the names of the columns, as numpy.savetxt marks them.
    """
    lines, numbers = block
    at = next((at for at, line in enumerate(lines) if not line.startswith("#")), 0)
    if at:
        names, mark = lines[at - 1].lstrip("# "), _separator(lines[at])
        if names.count(mark) == lines[at].count(mark):
            return Block([names, *lines[at:]], numbers[at - 1 :])
    return Block(lines[at:], numbers[at:])


@contextmanager
def open_table(tree: Tree, at: str, is_header: IsHeader | None = None) -> Iterator[CsvTable]:
    """Open a file of values between commas, semicolons, tabs, bars or blanks.

    Raises:
        DataError: Here or inside, if it cannot be read or is no such file.
    """
    where = shown(tree, at)
    with explained(where), tree.open(at) as stream:
        packed = stream.read(2) == _GZIP
        stream.seek(0)
        with gzip.open(stream) if packed else nullcontext(stream) as text:
            yield CsvTable(text, where, is_header or has_header)


def _blocks(stream: _Bytes, where: str) -> Iterator[Block]:
    number = 1
    while True:
        chunk = stream.read(_BLOCK)
        if number == 1 and chunk[:2] in _UTF_16:
            raise DataError(f"{where}: expected UTF-8, received UTF-16.", _HINT)
        if chunk[-1:] not in (b"\n", b""):
            rest = stream.readline(_LONGEST)
            if len(rest) == _LONGEST:
                raise DataError(f"{where}: a line has more than {_LONGEST >> 20} MB.", _HINT)
            chunk += rest
        if not chunk:
            return
        if b"\n" not in chunk:  # as on an old Mac
            chunk = chunk.replace(b"\r", b"\n")
        try:
            lines = chunk.decode().removeprefix(_BOM).split("\n")
        except UnicodeDecodeError as error:
            line = number + chunk.count(b"\n", 0, error.start)
            raise DataError(f"{where}, line {line:,}: expected text in UTF-8.", _HINT) from None
        kept = [(line, at) for at, line in enumerate(lines, number) if line.strip()]
        number += len(lines) - 1
        yield Block([line for line, _ in kept], [at for _, at in kept])


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is unlike the next one: more words, or numbers that count up."""
    first = rows[0]
    numbers = [cell for cell in first if is_number(cell)]
    # A column of text beside numbers has text in every row.
    below = sum(not is_number(cell) for cell in rows[1]) if len(rows) > 1 else 0
    return len(first) - len(numbers) > below or _counts_up(numbers)


def is_number(cell: str) -> bool:
    """Whether a cell is written as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _counts_up(numbers: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2 and so on: names of columns as pandas gives them."""
    if len(numbers) < 4:
        return False
    begin = numbers[0]
    return begin in ("0", "1") and all(
        cell == str(at) for at, cell in enumerate(numbers, int(begin))
    )
