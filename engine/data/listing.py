"""Pictures with their classes and splits, from whatever says which class a picture has."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnn_tui.engine.data.labels import Labels, classify
from cnn_tui.engine.data.tree import StoredFile, Tree


class LabelledImage(NamedTuple):
    """A picture file with its class and split."""

    path: str
    label: int
    split: str
    """``train``, ``val`` or ``test``."""
    size: int
    changed: int
    """A number that changes with the content: modification time, or a checksum."""


class Listing(NamedTuple):
    """The classes and pictures of a set; splits that it lacks are held out later."""

    classes: tuple[str, ...]
    pictures: tuple[LabelledImage, ...]
    notes: tuple[str, ...] = ()
    archive: str = ""
    """The zip archive or ``parquet``, if the pictures are not files of their own."""

    def digest(self) -> str:
        """A digest that changes when a file is added, removed or changed."""
        state = hashlib.sha256()
        for picture in self.pictures:
            state.update(repr(picture).encode())
        return state.hexdigest()[:16]


class LabelledFile(NamedTuple):
    """A picture with its label as it was found."""

    file: StoredFile
    label: str | int
    split: str = "train"


def make_listing(
    tree: Tree,
    found: Sequence[LabelledFile],
    where: str,
    classes: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Listing:
    """Give each picture its class; see :func:`classify`.

    Raises:
        DataError: The labels are no classes, or are unknown in training.
    """
    by_split: dict[str, list[LabelledFile]] = {"train": []}
    for picture in found:
        by_split.setdefault(picture.split, []).append(picture)
    labels = {
        split: Labels(np.array([picture.label for picture in pictures]), f"{where}, {split}")
        for split, pictures in by_split.items()
    }
    known = classify(labels, classes)
    pictures = tuple(
        LabelledImage(tree.path(file.at), label, split, file.size, file.stamp)
        for split, part in by_split.items()
        for (file, _, _), label in zip(part, known.labels[split].tolist(), strict=True)
    )
    return Listing(known.classes, pictures, (*notes, *known.notes), tree.archive)
