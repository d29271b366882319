"""CSV files that hold all pixels of an image in one cell, between blanks, as FER2013 does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.arrays import split_of
from cnn_tui.engine.data.assemble import Part
from cnn_tui.engine.data.labels import Labels
from cnn_tui.engine.data.picture_tables import SPLIT_NAMES
from cnn_tui.engine.data.pixel_tables import LABEL_NAMES, LEAST_PIXELS, as_bytes, asked_column
from cnn_tui.engine.data.pixels import Shape, fold_rows, to_values
from cnn_tui.engine.data.tables import CsvTable, is_number, open_table
from cnn_tui.engine.data.tree import Tree
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, show


class PackedTable(NamedTuple):
    """The images of a file with their labels by split, and remarks on how it was read."""

    parts: dict[str, Part]
    notes: tuple[str, ...]


class _PackedColumns(NamedTuple):
    label: int
    pixels: int
    split: int | None


def is_packed(table: CsvTable) -> bool:
    """Whether a cell of the first row holds the numbers of an image."""
    return _packed(table) is not None


def _packed(table: CsvTable) -> int | None:
    cells = (cell.split() for cell in table.peeked[0])
    packed = (len(cell) > LEAST_PIXELS and all(map(is_number, cell)) for cell in cells)
    return next((at for at, found in enumerate(packed) if found), None)


def read_packed_table(
    tree: Tree, at: str, split: str, *, wanted: Shape | None = None, labels_from: str = ""
) -> PackedTable:
    """Read a file with an image a row, all pixels of it in one cell.

    Args:
        tree: Holds the file.
        at: The file.
        split: That of every row, unless a column such as ``Usage`` says it.
        wanted: Shape of the network's input.
        labels_from: Column of the labels; by default that with a usual name, or else the only one
            that is left.

    Raises:
        DataError: Rows differ, a pixel is no number, or it is not clear where the labels are.
    """
    found: dict[str, tuple[list[str], list[NDArray[Any]]]] = {}
    with open_table(tree, at) as table:
        columns = _columns(table, labels_from)
        for block in table.blocks():
            rows = list(table.rows(block))
            pixels = _pixels(table, rows, columns.pixels)
            splits = [_split(table, *row, columns, split) for row in rows]
            for name in dict.fromkeys(splits):
                chosen = [index for index, of in enumerate(splits) if of == name]
                labels, images = found.setdefault(name, ([], []))
                labels += [rows[index][1][columns.label] for index in chosen]
                images.append(pixels[chosen])
    where = f"{table.where}, column {table.name(columns.label)}"
    parts = {
        name: Part(
            to_values(fold_rows(np.concatenate(images), table.where, wanted), table.where),
            Labels(_labels(labels), where),
        )
        for name, (labels, images) in found.items()
    }
    return PackedTable(parts, (f"Labels are taken from column {table.name(columns.label)}.",))


def _labels(cells: list[str]) -> NDArray[Any]:
    found = np.array(cells)
    return found.astype(np.float64) if all(map(is_number, cells)) else found


def _columns(table: CsvTable, labels_from: str) -> _PackedColumns:
    names = [name.lower() for name in table.header]
    pixels = _packed(table)
    assert pixels is not None
    split = next((at for at, name in enumerate(names) if name in SPLIT_NAMES), None)
    left = [at for at in range(table.columns) if at not in (pixels, split)]
    usual = [at for at in left if names and names[at] in LABEL_NAMES]
    labels = [asked_column(table, labels_from)] if labels_from else usual[:1] or left
    if len(labels) != 1:
        found = listed([table.name(at) for at in left[:4]], "and") if left else "none"
        raise DataError(
            f"{table.where}: expected one column of labels beside the pixels, found {found}.",
            "Name it with --labels-from COLUMN.",
        )
    return _PackedColumns(labels[0], pixels, split)


def _pixels(table: CsvTable, rows: Sequence[tuple[int, list[str]]], column: int) -> NDArray[Any]:
    """The pixels of some rows ``(n, P)``."""
    expected = len(table.peeked[0][column].split())
    for number, cells in rows:
        table.require_width(number, len(cells))
    try:
        pixels = np.loadtxt([cells[column] for _, cells in rows], np.float32, ndmin=2)
        if pixels.shape == (len(rows), expected) and np.isfinite(pixels).all():
            return as_bytes(pixels)
    except ValueError:
        pass  # the row is named below
    for number, cells in rows:
        values = cells[column].split()
        wrong = next((value for value in values if not is_number(value)), None)
        if wrong is not None:
            raise table.wrong(number, f"expected numbers as pixels, received {show(wrong)}")
        if len(values) != expected:
            raise table.wrong(number, f"expected {expected:,} pixels, received {len(values):,}")
    raise DataError(f"{table.where}: its pixels cannot be read as numbers.")


def _split(
    table: CsvTable, number: int, cells: Sequence[str], columns: _PackedColumns, usual: str
) -> str:
    if columns.split is None:
        return usual
    split = split_of([cells[columns.split].lower()])
    if not split:
        words = f"expected train, val or test, received {show(cells[columns.split])}"
        raise table.wrong(number, words)
    return split
