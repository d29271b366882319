"""The pictures that a command line names: files, folders, patterns, and lists in CSV files."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cnn_tui.engine.data.pictures import SUFFIXES
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import listed, plain

INPUT = "-"
"""The name of standard input."""
_NAMED = ("image", "file", "filename", "file_name", "path", "image_id", "image_name", "name", "id")
"""Usual headings of the column with the names of pictures, the surest first."""
_MOST_LETTERS = 60


class WantedPicture(NamedTuple):
    """A picture to be read."""

    name: str
    """As it was given: the path, or the cell of a CSV file."""
    path: Path


def wanted_pictures(arguments: Sequence[str], column: str | None = None) -> Iterator[WantedPicture]:
    """Yield the pictures that the arguments stand for, in their order.

    A folder stands for the pictures in it and in its folders, sorted; a pattern such as
    ``"test/*.png"`` for what it matches; a ``.csv`` file for the pictures that a column names,
    relative to the file and perhaps without their suffix.

    Args:
        arguments: paths, patterns, and :data:`INPUT`.
        column: heading of the column of CSV files; by default the first with a usual name.

    Raises:
        DataError: a folder has no pictures, or a CSV file cannot be read or has no such column.
    """
    for argument in arguments:
        path = Path(argument)
        if argument == INPUT:
            yield WantedPicture(argument, path)
        elif path.is_dir():
            yield from _in_folder(path)
        elif path.suffix.lower() == ".csv":
            yield from _in_table(path, column)
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            yield from _matching(argument)
        else:
            yield WantedPicture(argument, path)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _in_folder(folder: Path) -> Iterator[WantedPicture]:
    paths = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    found = sorted(filter(_is_picture, paths))
    if not found:
        raise DataError(f"{folder}: there are no pictures in this folder.", "Check the path.")
    yield from (WantedPicture(str(path), path) for path in found)


def _matching(pattern: str) -> Iterator[WantedPicture]:
    # Path.glob refuses a pattern that begins with a slash.
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
    if not found:
        yield WantedPicture(pattern, Path(pattern))  # to be reported as a file that does not exist
    yield from (WantedPicture(path, Path(path)) for path in found if _is_picture(Path(path)))


def _in_table(path: Path, column: str | None) -> Iterator[WantedPicture]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.reader(stream, strict=True)
            header = next(rows, None)
            if header is None:
                raise DataError(f"{path}: the file is empty.", "Check the path.")
            at = _column(path, header, column)
            if at is None:
                at = 0
                yield _named(path, header[0])
            for row in rows:
                if not row:
                    continue
                if len(row) <= at:
                    raise DataError(
                        f"{path}, line {rows.line_num}: expected at least {at + 1} columns, "
                        f"received {len(row)}."
                    )
                yield _named(path, row[at])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {plain(reason_of(error))}.") from None


def _column(path: Path, header: Sequence[str], wanted: str | None) -> int | None:
    """The place of the column with the names; None if there is no header."""
    names = [cell.strip().lower() for cell in header]
    if wanted is not None:
        if wanted.strip().lower() not in names:
            shown = listed([plain(cell)[:_MOST_LETTERS] for cell in header[:10]], "and")
            raise DataError(f"{path}: there is no column {plain(wanted)}; it has {shown}.")
        return names.index(wanted.strip().lower())
    found = next((names.index(name) for name in _NAMED if name in names), None)
    if found is not None or _named(path, header[0]).path.is_file():
        return found
    shown = listed([plain(cell)[:_MOST_LETTERS] for cell in header[:10]], "and")
    raise DataError(
        f"{path}: no column names pictures; it has {shown}.", "Name the column with --column."
    )


def _named(table: Path, cell: str) -> WantedPicture:
    """The picture that a cell names: as it is, or with the suffix that a file there has."""
    path = table.parent / cell.strip()
    if not path.suffix or path.suffix.lower() not in SUFFIXES:
        ways = (path.with_name(path.name + suffix) for suffix in sorted(SUFFIXES))
        path = next((way for way in ways if path.name and way.is_file()), path)
    return WantedPicture(cell.strip(), path)
