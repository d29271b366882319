"""All output of the commands: lines, JSON and tables."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Literal, TextIO

import msgspec

from cnn_tui.engine.specs.wording import plain

_MOST_FITTED = 500
"""Rows that are fitted to the width of the terminal; more would take seconds."""


def print_line(text: str, style: str = "") -> None:
    """Write a line to standard output at once, on a terminal in a style of rich's.

    Characters that could control a terminal, including line breaks, are escaped.
    """
    text = plain(text)
    if style and paints(sys.stdout):
        from rich.console import Console
        from rich.text import Text

        console = Console()
        with console.capture() as captured:
            console.print(Text(text, style), soft_wrap=True)
        text = captured.get().rstrip("\n")
    _write(text)


def _write(text: str) -> None:
    print(text, flush=True)


def print_error(message: str) -> None:
    """Write the line of an error to standard error."""
    _tell(f"cnn-tui: error: {plain(message)}")


def print_note(message: str) -> None:
    """Write a line for people, not programs, to standard error."""
    _tell(f"cnn-tui: note: {plain(message)}")


def print_trace(text: str) -> None:
    """Write the lines of a traceback to standard error."""
    for line in text.splitlines():
        _tell(plain(line))


def print_progress(message: str) -> None:
    """Write progress to standard error."""
    _tell(f"cnn-tui: {plain(message)}")


def _tell(line: str) -> None:
    # If standard error cannot be written either, the reason cannot be reported.
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Write ``value`` as one line of JSON at once; numbers that are not finite become null."""
    _write(to_json(value))


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[str] = (),
    wrap: Collection[str] = (),
    styles: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """Write aligned columns, those named in ``right`` to the right.

    On a terminal headings are bold, rows have the ``styles`` of rich's in their order, and columns
    named in ``wrap`` are wrapped if it is narrow. If that is not enough the columns ``spare`` are
    left out one after the other, and at last each row becomes a few lines, so that nothing is cut.
    Elsewhere, and with thousands of rows, a row is one line of text and spaces of any length.
    """
    # A heading may be a name that comes from a file, too.
    header, cells = tuple(map(plain, header)), [tuple(map(plain, row)) for row in rows]
    if paints(sys.stdout) and len(cells) <= _MOST_FITTED:
        room = shutil.get_terminal_size().columns
        for name in spare:
            if name in header and _narrowest(header, cells, wrap) > room:
                at = header.index(name)
                header = [*header[:at], *header[at + 1 :]]
                cells = [(*row[:at], *row[at + 1 :]) for row in cells]
        if _narrowest(header, cells, wrap) <= room:
            _print_fitted(header, cells, right, wrap, styles)
        else:
            _write("\n".join(_records(header, cells)))
    else:
        _write("\n".join(_aligned(header, cells, right)))


def _aligned(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str]
) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(header, row, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _narrowest(header: Sequence[str], rows: Sequence[Sequence[str]], wrap: Collection[str]) -> int:
    """The columns of text in which the table fits without cutting a word."""
    from rich.cells import cell_len

    widths = (
        max(
            cell_len(part)
            for cell in (name, *column)
            for part in (cell.split() or [""] if name in wrap else [cell])
        )
        for name, *column in zip(header, *rows, strict=True)
    )
    return sum(widths) + 2 * (len(header) - 1)


def _records(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A line for each row's first cell, then one for each of its other cells that is not empty."""
    width = max(map(len, header[1:]), default=0)
    for row in rows:
        yield " ".join(filter(None, (header[0], row[0])))
        for name, cell in zip(header[1:], row[1:], strict=True):
            if cell:
                yield f"  {name.ljust(width)}  {cell}"


def _print_fitted(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Collection[str],
    wrap: Collection[str],
    styles: Sequence[str],
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        justify: Literal["left", "right"] = "right" if name in right else "left"
        table.add_column(name, justify=justify, no_wrap=name not in wrap)
    for row, style in zip_longest(rows, styles, fillvalue=""):
        table.add_row(*map(Text, row), style=style)
    console = Console()
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        _write(line.rstrip())


_USUAL = "console" if sys.platform == "win32" else "dumb"
"""A terminal without a name; every console of Windows 10 understands escape sequences."""


def paints(stream: TextIO) -> bool:
    """Whether a stream is a terminal that understands escape sequences."""
    return stream.isatty() and os.environ.get("TERM", _USUAL) not in ("", "dumb")


def has_terminal() -> bool:
    """Whether the app can be shown: all three streams are a capable terminal."""
    return all(map(paints, (sys.stdin, sys.stdout, sys.stderr)))


_STEERS = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that JSON leaves as they are but control a terminal: C1, line ends, directions."""


def to_json(value: object) -> str:
    """Return ``value`` as one line; numbers that are not finite become null."""
    return _STEERS.sub(_escaped, _encoded(value))


def _encoded(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        # A file name that is not UTF-8 has lone surrogates, which msgspec refuses.
        return json.dumps(_finite(msgspec.to_builtins(value)), separators=(",", ":"))


def _finite(value: object) -> object:
    match value:
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case float() if not math.isfinite(value):
            return None
    return value


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
