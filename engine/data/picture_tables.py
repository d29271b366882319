"""CSV files that name pictures and their labels, beside the folders of the pictures.

As ISIC, Kaggle and others publish their sets: a column of file names, with or without suffix, and
either a column of labels or one column of 0 and 1 for each class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from cnn_tui.engine.data.arrays import split_of
from cnn_tui.engine.data.layouts import pictures_below
from cnn_tui.engine.data.listing import LabelledFile
from cnn_tui.engine.data.pictures import SUFFIXES
from cnn_tui.engine.data.pixel_tables import LABEL_NAMES, NoLabelsError
from cnn_tui.engine.data.tables import CsvTable, is_number, open_table
from cnn_tui.engine.data.tree import StoredFile, Tree, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, show

_LABEL_NAMES = (*LABEL_NAMES, "breed", "species", "diagnosis", "dx", "classname", "class_name")
SPLIT_NAMES = {"split", "set", "subset", "usage", "partition"}
"""Usual names of a column that says the split of each row."""
_OTHERS = {"", "id", "index", "unnamed: 0", "image_id", "lesion_id"}
_MOST_NAMED = 4


class Pictures:
    """The pictures below a folder by path, name, and name without suffix."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._found: dict[str, list[StoredFile]] = {}
        for file in pictures_below(tree, folder):
            path = file.at.removeprefix(f"{folder}/")
            stem = PurePosixPath(file.name).stem
            for key in {path, file.name, stem}:
                self._found.setdefault(key, []).append(file)

    def __len__(self) -> int:
        """Number of names by which pictures are known."""
        return len(self._found)

    def get(self, cell: str, split: str = "train") -> list[StoredFile]:
        """The pictures that a cell may mean, those of a split's own folder before others."""
        path = PurePosixPath(cell.replace("\\", "/"))
        keys = [str(path), path.name]
        if path.suffix.lower() in SUFFIXES:  # 0.2 is no picture called 0
            keys.append(path.stem)
        found = next((self._found[key] for key in keys if key in self._found), [])
        if len(found) > 1:
            of_split = [file for file in found if split_of(file.at.lower().split("/")) == split]
            found = of_split or found
        return found


class _TableRoles(NamedTuple):
    picture: int
    labels: list[int]
    """One column of labels, or one for each class."""
    split: int | None


def is_picture_table(tree: Tree, at: str, pictures: Pictures) -> bool:
    """Whether a file has a row that names a picture among its first two."""
    if not len(pictures):
        return False
    with open_table(tree, at, lambda rows: False) as table:
        return any(pictures.get(cell) for row in table.peeked[:2] for cell in row)


class NamedPictures(NamedTuple):
    """The pictures that a file names, with their labels."""

    pictures: list[LabelledFile]
    classes: tuple[str, ...]
    """The names of the columns of one-hot labels; else none."""
    note: str


def read_picture_table(
    tree: Tree, at: str, pictures: Pictures, *, labels_from: str = "", split: str = "train"
) -> NamedPictures:
    """Read the pictures that a file names, with their labels.

    Args:
        tree: Holds the file and the pictures.
        at: The file.
        pictures: Those that it may name.
        labels_from: Name of the column of labels; by default that with a usual name, or else the
            only one that is left.
        split: That of every row, unless a column says it.

    Raises:
        DataError: A picture is not there, or it is not clear where the labels are.
    """
    with open_table(tree, at, lambda rows: not any(map(pictures.get, rows[0]))) as table:
        roles = _roles(table, pictures, labels_from)
        found = list(_rows(table, roles, pictures, split))
        classes = [table.header[column] for column in roles.labels] if roles.labels[1:] else []
        known = [table.name(column) for column in roles.labels[:_MOST_NAMED]]
    texts = [str(picture.label) for picture in found]
    if not classes and all(text.lstrip("+-").isdecimal() for text in texts):
        found = [picture._replace(label=int(picture.label)) for picture in found]
    plural = "s" if known[1:] else ""
    note = f"Labels are taken from {shown(tree, at)}, column{plural} {listed(known, 'and')}."
    return NamedPictures(found, tuple(classes), note)


def _rows(
    table: CsvTable, roles: _TableRoles, pictures: Pictures, split: str
) -> Iterator[LabelledFile]:
    for number, cells in table.checked():
        if roles.split is not None:
            split = split_of([cells[roles.split].lower()])
            if not split:
                words = f"expected train, val or test, received {show(cells[roles.split])}"
                raise table.wrong(number, words)
        cell = cells[roles.picture]
        found = pictures.get(cell, split)
        if len(found) != 1:
            many = f"{len(found)} pictures are called so" if found else "there is no such picture"
            hint = "Put it below the folder of the file, or take the row out."
            raise table.wrong(number, f"{many}: {show(cell)}", hint)
        yield LabelledFile(found[0], _label(table, number, roles.labels, cells), split)


def _label(table: CsvTable, number: int, columns: Sequence[int], cells: Sequence[str]) -> str:
    if len(columns) == 1:
        if not cells[columns[0]]:
            raise table.wrong(number, f"expected a label in column {table.name(columns[0])}")
        return cells[columns[0]]
    ones = [column for column in columns if is_number(cells[column]) and float(cells[column]) == 1]
    if len(ones) != 1:
        raise table.wrong(
            number,
            f"expected exactly one 1 among the {len(columns)} columns of classes, received "
            f"{len(ones)}",
        )
    return table.header[ones[0]]


def _roles(table: CsvTable, pictures: Pictures, labels_from: str) -> _TableRoles:
    every = range(table.columns)
    row, names = table.peeked[0], [name.lower() for name in table.header]
    named = [at for at in every if pictures.get(row[at])]
    if not named:
        raise table.wrong(1, "expected the name of a picture below this folder, found none")
    split = next((at for at in every if names and names[at] in SPLIT_NAMES), None)
    left = [at for at in every if at not in (named[0], split)]
    if labels_from:
        if labels_from not in table.header:
            known = [show(name) for name in table.header[:_MOST_NAMED]]
            raise DataError(
                f"{table.where}: there is no column {show(labels_from)}.",
                f"Its columns: {listed(known or ['without names'], 'and')}.",
            )
        return _TableRoles(named[0], [table.header.index(labels_from)], split)
    usual = [at for at in left if names and names[at] in _LABEL_NAMES]
    if names and not usual:
        left = [at for at in left if names[at] not in _OTHERS]
    labels = usual[:1] or left
    if len(labels) != 1 and not (len(labels) > 1 and names and _is_one_hot(table, labels)):
        columns = listed([table.name(at) for at in left[:_MOST_NAMED]] or ["none"], "and")
        raise (DataError if left else NoLabelsError)(
            f"{table.where}: it is not clear which column holds the labels, found {columns}.",
            "Name it with --labels-from COLUMN.",
        )
    return _TableRoles(named[0], labels, split)


def _is_one_hot(table: CsvTable, columns: Sequence[int]) -> bool:
    return all(
        is_number(row[at]) and float(row[at]) in (0, 1) for row in table.peeked for at in columns
    )
