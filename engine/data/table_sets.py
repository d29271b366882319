"""One table or several as a set: of pixels, or naming pictures; and which splits they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from cnn_tui.engine.data.arrays import SPLIT_WORDS, split_of
from cnn_tui.engine.data.assemble import assemble
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.listing import Listing, make_listing
from cnn_tui.engine.data.packed_tables import is_packed, read_packed_table
from cnn_tui.engine.data.picture_tables import (
    NamedPictures,
    Pictures,
    is_picture_table,
    read_picture_table,
)
from cnn_tui.engine.data.pixel_tables import (
    NoLabelsError,
    PixelTable,
    is_pixel_table,
    read_pixel_table,
)
from cnn_tui.engine.data.reading import ReadingOptions
from cnn_tui.engine.data.tables import CsvTable, open_table
from cnn_tui.engine.data.tree import Tree, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, plain, show

_MOST_LETTERS = 64
_MOST_CELLS = 4
_Read = TypeVar("_Read")


def read_tables(tree: Tree, tables: Sequence[str], options: ReadingOptions) -> Dataset | Listing:
    """Read CSV files of pixels, or that name pictures below their folder.

    Several are the splits that their names say, such as ``fashion-mnist_test.csv``.

    Raises:
        DataError: They are neither, it is not clear which is which, or a row is wrong.
    """
    packed = [at for at in tables if _is(is_packed, tree, at)]
    if packed:
        return _packed(tree, _by_split(tree, packed), options)
    of_pixels = [at for at in tables if _is(is_pixel_table, tree, at)]
    if of_pixels:
        return _pixels(tree, _by_split(tree, of_pixels), options)
    folder = tables[0].rpartition("/")[0]
    pictures = next(filter(len, (Pictures(tree, folder), Pictures(tree, ""))), Pictures(tree, ""))
    naming = [at for at in tables if is_picture_table(tree, at, pictures)]
    if naming:
        return _named(tree, _by_split(tree, naming), pictures, options)
    raise DataError(
        f"{shown(tree, tables[0])}: expected rows of pixels with a label, or the names of pictures "
        f"below this folder with labels, received rows such as {_row(tree, tables[0])}.",
        "Put the file into the folder of its pictures. Other measurements than pixels are no "
        "images, and are not supported.",
    )


def _row(tree: Tree, at: str) -> str:
    with open_table(tree, at) as table:
        cells = [show(cell) for cell in table.peeked[0][:_MOST_CELLS]]
        return ", ".join(cells) + (", ..." if table.columns > _MOST_CELLS else "")


def _is(what: Callable[[CsvTable], bool], tree: Tree, at: str) -> bool:
    with open_table(tree, at) as table:
        return what(table)


def _by_split(tree: Tree, tables: Sequence[str]) -> dict[str, str]:
    if len(tables) == 1:
        return {"train": tables[0]}
    splits: dict[str, str] = {}
    for at in tables:
        words = re.findall(r"[a-z]+", PurePosixPath(at).name.lower())
        split = split_of(words) or "train"
        if split in splits:
            names = listed([show(PurePosixPath(name).name) for name in tables[:4]], "and")
            raise DataError(
                f"{shown(tree, '')}: it is not clear which table is for training: {names}.",
                "Give the path of one of them.",
            )
        splits[split] = at
    return {split: splits[split] for split in SPLIT_WORDS if split in splits}


def _pixels(tree: Tree, tables: dict[str, str], options: ReadingOptions) -> Dataset:
    def read(split: str, at: str) -> PixelTable:
        return read_pixel_table(
            tree,
            at,
            wanted=options.shape,
            labels_from=options.labels_from,
            progress=options.progress,
        )

    found, notes = _labelled(tables, read)
    parts = {split: table.part for split, table in found.items()}
    notes += [note for table in found.values() for note in table.notes]
    return assemble(_name(tables), parts, options.classes, list(dict.fromkeys(notes)))


def _packed(tree: Tree, tables: dict[str, str], options: ReadingOptions) -> Dataset:
    found = [
        read_packed_table(tree, at, split, wanted=options.shape, labels_from=options.labels_from)
        for split, at in tables.items()
    ]
    parts = {split: part for table in found for split, part in table.parts.items()}
    if "train" not in parts:
        raise DataError(
            f"{shown(tree, next(iter(tables.values())))}: expected rows to train with, found only "
            "others."
        )
    notes = dict.fromkeys(note for table in found for note in table.notes)
    return assemble(_name(tables), parts, options.classes, list(notes))


def _name(tables: dict[str, str]) -> str:
    return plain(PurePosixPath(tables["train"]).name.partition(".")[0])[:_MOST_LETTERS]


def _named(
    tree: Tree, tables: dict[str, str], pictures: Pictures, options: ReadingOptions
) -> Listing:
    def read(split: str, at: str) -> NamedPictures:
        return read_picture_table(tree, at, pictures, labels_from=options.labels_from, split=split)

    found, notes = _labelled(tables, read)
    every = [picture for table in found.values() for picture in table.pictures]
    notes += [table.note for table in found.values()]
    classes = options.classes or found["train"].classes
    return make_listing(tree, every, shown(tree, tables["train"]), classes, notes)


def _labelled(
    tables: dict[str, str], read: Callable[[str, str], _Read]
) -> tuple[dict[str, _Read], list[str]]:
    """What each table holds; those without labels, but for training, are left out with a note."""
    found, notes = {}, []
    for split, at in tables.items():
        try:
            found[split] = read(split, at)
        except NoLabelsError:
            if split == "train":
                raise
            notes.append(f"{plain(at)} has no labels and is left out; cnn-tui predict reads it.")
    return found, notes
