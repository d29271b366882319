"""The pictures that a command line names: files, folders, patterns, and lists in CSV files."""

from __future__ import annotations

import csv
import glob
import os
import re
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.pictures import SUFFIXES
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.wording import listed, plain

INPUT = "-"
"""The name of standard input."""
_NAMED = ("image", "file", "filename", "file_name", "path", "image_id", "image_name", "name", "id")
"""Usual headings of the column with the names of pictures, the surest first."""
_MOST_LETTERS = 60
_PIXEL = re.compile(r"(pixel|px|p)?_?\d+(x\d+)?", re.IGNORECASE)
"""Headings of the columns of pixels: ``pixel0``, ``1x1``."""
_FEWEST_PIXELS = 16


class WantedPicture(NamedTuple):
    """A picture to be read."""

    name: str
    """The path, the cell of a CSV file, or the number of the row, from 1, by which it was named."""
    path: Path
    pixels: NDArray[np.uint8] | None = None
    """The pixels ``(1, H, W)`` of a picture that the CSV file holds itself."""


def wanted_pictures(
    arguments: Sequence[str],
    column: str | None = None,
    size: tuple[int, int, int] | None = None,
) -> Iterator[WantedPicture]:
    """Yield the pictures that the arguments stand for, in their order.

    A folder stands for the pictures in it and in its folders, sorted; a pattern such as
    ``"test/*.png"`` for what it matches; a ``.csv`` file for the pictures that a column names,
    relative to the file and perhaps without their suffix, or whose grey pixels are in its columns.

    Args:
        arguments: paths, patterns, and :data:`INPUT`.
        column: heading of the column of CSV files; by default the first with a usual name.
        size: ``(C, H, W)`` of pixels in CSV files.

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
            yield from _in_table(path, column, size)
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


def _in_table(
    path: Path, column: str | None, size: tuple[int, int, int] | None
) -> Iterator[WantedPicture]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.reader(stream, strict=True)
            header = next(rows, None)
            if header is None:
                raise DataError(f"{path}: the file is empty.", "Check the path.")
            places = [at for at, name in enumerate(header) if _PIXEL.fullmatch(name.strip())]
            if column is None and size is not None and len(places) >= _FEWEST_PIXELS:
                yield from _rows(path, rows, places, size)
                return
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


def _rows(
    path: Path, rows: Any, places: Sequence[int], size: tuple[int, int, int]
) -> Iterator[WantedPicture]:
    """The pictures of a table with a row of grey pixels for each, as MNIST is passed around."""
    channels, height, width = size
    if channels != 1 or len(places) != height * width:
        raise DataError(
            f"{path}: it has {len(places):,} columns of pixels, the network expects images of "
            f"{format_shape(size)}."
        )
    chosen = itemgetter(*places)
    for number, row in enumerate(filter(None, rows), 1):
        try:
            values = np.array(chosen(row), np.float64)
        except (IndexError, ValueError):
            values = np.array([-1.0])
        if not ((values >= 0) & (values <= 255)).all():
            raise DataError(
                f"{path}, line {rows.line_num}: expected {len(places):,} numbers from 0 to 255."
            )
        pixels = values.astype(np.uint8).reshape(size)
        yield WantedPicture(str(number), path, pixels)


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
