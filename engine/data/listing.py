"""The pictures of a folder that has one folder per class."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cnn_tui.engine.data.pictures import SUFFIXES
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import plain, show

_SPLITS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_MOST_LETTERS = 64


class LabelledImage(NamedTuple):
    """A picture file with its class and split."""

    path: str
    label: int
    split: str
    """``train``, ``val`` or ``test``; empty if the folder has no splits."""
    size: int
    changed: int
    """Modification time in nanoseconds since the epoch."""


class Listing(NamedTuple):
    """The classes and pictures of a folder, sorted by name."""

    classes: tuple[str, ...]
    pictures: tuple[LabelledImage, ...]

    def digest(self) -> str:
        """A digest that changes when a file is added, removed or changed."""
        state = hashlib.sha256()
        for picture in self.pictures:
            state.update(repr(picture).encode())
        return state.hexdigest()[:16]


def list_pictures(folder: Path) -> Listing:
    """List ``folder/CLASS/picture``, or ``folder/train/CLASS/picture`` with ``test`` and ``val``.

    Hidden files and files without the suffix of a picture are skipped.

    Raises:
        DataError: There are fewer than two classes, or a class is empty or unreadable.
    """
    roots = {split: _split_folder(folder, names) for split, names in _SPLITS.items()}
    if roots["train"] is None:
        roots = {"": folder}
    classes = _folders(roots.get("train") or folder)
    if len(classes) < 2:
        received = f"only {show(classes[0])}" if classes else "none"
        raise DataError(
            f"{folder}: expected a folder of pictures for each of at least two classes, "
            f"received {received}.",
            "Put the pictures of each class into a folder of its name.",
        )
    pictures = [
        picture
        for split, root in roots.items()
        if root is not None
        for picture in _split(root, split, classes)
    ]
    return Listing(tuple(plain(name)[:_MOST_LETTERS] for name in classes), tuple(pictures))


def _split_folder(folder: Path, names: tuple[str, ...]) -> Path | None:
    present = (folder / name for name in names if (folder / name).is_dir())
    return next((root for root in present if _folders(root)), None)


def _folders(folder: Path) -> list[str]:
    return sorted(
        entry.name for entry in _entries(folder) if entry.is_dir() and entry.name[0] != "."
    )


def _split(root: Path, split: str, classes: list[str]) -> Iterator[LabelledImage]:
    unknown = [name for name in _folders(root) if name not in classes]
    if unknown:
        raise DataError(
            f"{root}: the folder {show(unknown[0])} is not a class of the training pictures."
        )
    for label, name in enumerate(classes):
        pictures = list(_class(root / name, label, split)) if (root / name).is_dir() else []
        if not pictures and split in ("", "train"):
            raise DataError(
                f"{root / name}: expected pictures ({', '.join(sorted(SUFFIXES))}), found none.",
                "Add pictures, or remove the folder.",
            )
        yield from pictures


def _class(folder: Path, label: int, split: str) -> Iterator[LabelledImage]:
    for entry in sorted(_entries(folder), key=lambda entry: entry.name):
        named_like_one = entry.name[0] != "." and Path(entry.name).suffix.lower() in SUFFIXES
        # Opening a pipe or a device of that name would block.
        if named_like_one and entry.is_file():
            state = entry.stat()
            yield LabelledImage(entry.path, label, split, state.st_size, state.st_mtime_ns)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be read: {reason_of(error)}.", "Check the path."
        ) from error
