"""CSV files with an image a row: its pixels, and its label in one of the columns.

As Kaggle writes them (``label,pixel0,pixel1,...``), spreadsheets, pandas and ``numpy.savetxt``. The
file is read in blocks by ``numpy.loadtxt``, of which only the pixels are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.assemble import Part
from cnn_tui.engine.data.labels import MOST_CLASSES, Labels
from cnn_tui.engine.data.pixels import INPUT_HINT, Shape, fold_rows, row_shape, to_values
from cnn_tui.engine.data.sources import Progress
from cnn_tui.engine.data.tables import Block, CsvTable, is_number, open_table
from cnn_tui.engine.data.tree import Tree, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, show

LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "target",
    "y",
    "category",
    "digit",
    "character",
    "letter",
)
_IDENTIFIERS = {"", "id", "index", "image_id", "imageid", "unnamed: 0"}
_SPLITS = {"usage", "split"}
_OTHERS = _IDENTIFIERS | _SPLITS
LEAST_PIXELS = 4
_MOST_NAMED = 4
_CORRECT = "Correct the cell, or leave the row out."
_MOST_BYTES = 4 << 30
_LARGEST = float(np.finfo(np.float32).max)


class NoLabelsError(DataError):
    """A table has images without labels, as those to be predicted have."""


class PixelTable(NamedTuple):
    """The images of a file with their labels, and remarks on how it was read."""

    part: Part
    notes: tuple[str, ...]


class _PixelColumns(NamedTuple):
    label: int
    pixels: list[int]
    note: str = ""


def is_pixel_table(table: CsvTable) -> bool:
    """Whether rows are mostly numbers, of a length that an image has."""
    row = table.peeked[0]
    return sum(map(is_number, row)) > max(LEAST_PIXELS, len(row) // 2)


def read_pixel_table(
    tree: Tree,
    at: str,
    *,
    wanted: Shape | None = None,
    labels_from: str = "",
    progress: Progress | None = None,
) -> PixelTable:
    """Read a file with an image a row.

    Images are square unless the network's input has as many values as a row; if three times a
    square number, the colours of a pixel stand together.

    Args:
        tree: Holds the file.
        at: The file.
        wanted: Shape of the network's input.
        labels_from: Column of the labels, by its name or as ``first`` or ``last``; by default that
            with a usual name, or else the only one that cannot be a pixel.
        progress: Called after every block.

    Raises:
        DataError: Rows differ, a cell is no number, or it is not clear where the labels are.
    """
    note = ""
    if not labels_from:
        labels_from, note = _end_with_labels(tree, at)
    with open_table(tree, at) as table:
        columns = _columns(table, labels_from)
        if row_shape(len(columns.pixels), wanted) is None:
            raise DataError(
                f"{table.where}: expected the pixels of a square image in each row, or as many "
                f"values as the network's input has, received {len(columns.pixels):,}.",
                INPUT_HINT,
            )
        unused = _unused(table, columns)
        rows, labels = _read(table, columns, PurePosixPath(at).name, progress)
    images = to_values(fold_rows(rows, table.where, wanted), table.where)
    where = f"{table.where}, column {table.name(columns.label)}"
    notes = tuple(filter(None, (note, columns.note, unused)))
    return PixelTable(Part(images, Labels(labels, where)), notes)


def _unused(table: CsvTable, columns: _PixelColumns) -> str:
    """A note on the columns that are neither pixels nor labels, nor count the rows."""
    used = {columns.label, *columns.pixels}
    names = [name.lower() for name in table.header]
    left = [at for at, name in enumerate(names) if at not in used and name not in _IDENTIFIERS]
    if not left:
        return ""
    words = [table.name(at) for at in left[:_MOST_NAMED]] + ["others"] * (len(left) > _MOST_NAMED)
    is_split = any(names[at] in _SPLITS for at in left)
    note = f"Columns that are not used: {listed(words, 'and')}."
    return (
        note + is_split * " Rows are divided at random; to keep their splits, save a file for each."
    )


def _read(
    table: CsvTable, columns: _PixelColumns, what: str, progress: Progress | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pixels ``(N, P)``, uint8 if all are whole from 0 to 255, and labels ``(N,)``."""
    codes: dict[str, int] = {}
    blocks: list[NDArray[Any]] = []
    labels: list[NDArray[np.int64]] = []
    done = 0
    for block in table.blocks():
        if not block.lines:
            continue
        cells = _block(table, columns, block, codes)
        labels.append(cells[:, 0].astype(np.int64))
        pixels = cells[:, 1:]
        blocks.append(as_bytes(pixels))
        done += len(cells)
        if done * len(columns.pixels) > _MOST_BYTES:
            raise DataError(f"{table.where}: it holds more than {_MOST_BYTES >> 30} GB of pixels.")
        if progress:
            progress(what, done, done)
    found = np.array(list(codes))
    if all(map(is_number, codes)):
        found = found.astype(np.float64)
    return np.concatenate(blocks), found[np.concatenate(labels)]


def as_bytes(pixels: NDArray[np.float32]) -> NDArray[Any]:
    """A copy of numbers, as uint8 if all are whole from 0 to 255."""
    is_bytes = ((pixels >= 0) & (pixels <= 255) & (pixels == np.floor(pixels))).all()
    return pixels.astype(np.uint8) if is_bytes else pixels.copy()


def _block(
    table: CsvTable, columns: _PixelColumns, block: Block, codes: dict[str, int]
) -> NDArray[np.float32]:
    """Code of the label, then pixels, ``(n, 1 + P)``."""

    def code(text: str) -> int:
        label = text.strip().strip('"')
        if not label:
            raise ValueError("no label")
        return codes.setdefault(label, len(codes))

    lines = block.lines
    if table.separator == ";":
        lines = [line.replace(",", ".") for line in lines]
    used = [columns.label, *columns.pixels]
    is_all = len(used) == table.columns
    try:
        cells = np.loadtxt(
            lines,
            np.float32,
            comments=None,
            delimiter=table.separator,
            converters={columns.label: code},
            quotechar='"',
            ndmin=2,
            usecols=None if is_all else sorted(used),
        )
    except ValueError:
        raise _blame(table, columns, block) from None
    if cells.shape != (len(lines), len(used)) or not np.isfinite(cells).all():
        raise _blame(table, columns, block)
    at = sorted(used).index(columns.label)
    return np.roll(cells, -at, 1) if at and at == len(used) - 1 else _first(cells, at)


def _first(cells: NDArray[np.float32], at: int) -> NDArray[np.float32]:
    """The columns with that of the label moved to the front."""
    return cells if not at else np.concatenate([cells[:, at : at + 1], np.delete(cells, at, 1)], 1)


def _blame(table: CsvTable, columns: _PixelColumns, block: Block) -> DataError:
    """The error for the first wrong row of a block, with its line and column."""
    for number, cells in table.rows(block):
        table.require_width(number, len(cells))
        if not cells[columns.label]:
            what = f"expected a label in column {table.name(columns.label)}"
            return table.wrong(number, what, _CORRECT)
        for column in columns.pixels:
            cell = cells[column]
            if not is_number(cell) or not abs(float(cell)) < _LARGEST:
                where = f"column {table.name(column)}"
                what = f"expected a number in {where}, received {show(cell)}"
                return table.wrong(number, what, _CORRECT)
    return DataError(f"{table.where}: its rows cannot be read as numbers.")


def _columns(table: CsvTable, labels_from: str) -> _PixelColumns:
    every = list(range(table.columns))
    names = [name.lower() for name in table.header]
    if labels_from:
        label = asked_column(table, labels_from)
        return _PixelColumns(label, _pixels(names, [column for column in every if column != label]))
    usual = [names.index(name) for name in LABEL_NAMES if name in names]
    if usual:
        note = f"Labels are taken from column {table.name(usual[0])}." if len(usual) > 1 else ""
        return _PixelColumns(usual[0], _pixels(names, [at for at in every if at != usual[0]]), note)
    pixels = _pixels(names, every)
    others = [at for at in every if at not in pixels and names[at] not in _OTHERS]
    if len(others) != 1:
        found = listed([table.name(at) for at in others[:4]], "and") if others else "none"
        raise (DataError if others else NoLabelsError)(
            f"{table.where}: expected one column of labels beside the pixels, found {found}.",
            "Name it with --labels-from COLUMN; a file without labels is for cnn-tui predict.",
        )
    note = f"Labels are taken from column {table.name(others[0])}."
    return _PixelColumns(others[0], [at for at in pixels if at != others[0]], note)


def _end_with_labels(tree: Tree, at: str) -> tuple[str, str]:
    """Whether the labels of a file without names of columns are ``first`` or ``last``, and a note.

    Raises:
        DataError: Both columns can hold labels, or none.
    """
    ends: tuple[set[str], set[str]] = (set(), set())
    with open_table(tree, at) as table:
        if table.header:
            return "", ""
        for block in table.blocks():
            for line in block.lines:
                for end, cell in zip(ends, _end_cells(line, table.separator), strict=True):
                    end.add(cell)
            if max(map(len, ends)) > MOST_CLASSES:
                break
    able = [name for name, cells in zip(("first", "last"), ends, strict=True) if _are_labels(cells)]
    words = [name for name in able if not all(map(is_number, ends[name == "last"]))]
    able = words or able
    if len(able) != 1:
        which = "the first or in the last column" if able else "any column"
        raise DataError(
            f"{shown(tree, at)}: it is not clear that labels are in {which}.",
            "Say it with --labels-from first or --labels-from last.",
        )
    return able[0], f"Labels are taken from the {able[0]} column."


def _end_cells(line: str, separator: str) -> tuple[str, str]:
    return line.partition(separator)[0].strip(), line.rpartition(separator)[2].strip()


def _are_labels(cells: set[str]) -> bool:
    return 1 < len(cells) <= MOST_CLASSES and all(
        cell and (not is_number(cell) or float(cell).is_integer()) for cell in cells
    )


def asked_column(table: CsvTable, labels_from: str) -> int:
    """The column that ``labels_from`` names; raises ``DataError`` if there is none."""
    places = {"first": 0, "last": table.columns - 1}
    if labels_from in table.header:
        return table.header.index(labels_from)
    if labels_from in places:
        return places[labels_from]
    known = [show(name) for name in table.header if name][:4]
    raise DataError(
        f"{table.where}: there is no column {show(labels_from)}.",
        f"Give the name of a column, first or last. It begins with {listed(known or ['none'])}.",
    )


def _stem(name: str) -> str:
    return re.sub(r"\d+", "", name)


def _pixels(names: Sequence[str], columns: list[int]) -> list[int]:
    """The columns of pixels: those whose names are all alike but for numbers."""
    if not names or not columns:
        return columns
    (usual, _), *_ = Counter(_stem(names[at]) for at in columns).most_common(1)
    alike = [at for at in columns if _stem(names[at]) == usual]
    return alike if len(alike) > 1 else [at for at in columns if names[at] not in _OTHERS]
