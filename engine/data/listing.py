"""The pictures of a folder that holds one folder for each class."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cnn_tui.engine.data.pictures import SUFFIXES
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import plain, show

_PARTS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_MOST_LETTERS = 64


class LabelledImage(NamedTuple):
    """One file and the number of its class."""

    path: str
    label: int
    part: str
    """``train``, ``val`` or ``test``; empty where the folder makes no difference."""
    size: int
    changed: int
    """In nanoseconds since the epoch."""


class Listing(NamedTuple):
    """The classes and pictures of a folder, in the order of their names."""

    classes: tuple[str, ...]
    pictures: tuple[LabelledImage, ...]

    def digest(self) -> str:
        """Another one when any file was added, removed or changed."""
        state = hashlib.sha256()
        for picture in self.pictures:
            state.update(repr(picture).encode())
        return state.hexdigest()[:16]


def list_pictures(folder: Path) -> Listing:
    """``folder/CLASS/picture``, or ``folder/train/CLASS/picture`` with ``test`` and ``val``.

    Hidden files and whatever is not named like a picture are passed over.

    Raises:
        DataError: There are fewer than two classes, a class is empty, or cannot be read.
    """
    places = {part: _part_folder(folder, names) for part, names in _PARTS.items()}
    if places["train"] is None:
        places = {"": folder}
    classes = _folders(places.get("train") or folder)
    if len(classes) < 2:
        received = f"only {show(classes[0])}" if classes else "none"
        raise DataError(
            f"{folder}: expected a folder of pictures for each of at least two classes, "
            f"received {received}.",
            "Put the pictures of each class into a folder of its name.",
        )
    pictures = [
        picture
        for part, place in places.items()
        if place is not None
        for picture in _part(place, part, classes)
    ]
    return Listing(tuple(plain(name)[:_MOST_LETTERS] for name in classes), tuple(pictures))


def _part_folder(folder: Path, names: tuple[str, ...]) -> Path | None:
    found = (folder / name for name in names if (folder / name).is_dir())
    return next((place for place in found if _folders(place)), None)


def _folders(folder: Path) -> list[str]:
    return sorted(
        entry.name for entry in _entries(folder) if entry.is_dir() and entry.name[0] != "."
    )


def _part(place: Path, part: str, classes: list[str]) -> Iterator[LabelledImage]:
    unknown = [name for name in _folders(place) if name not in classes]
    if unknown:
        raise DataError(
            f"{place}: the folder {show(unknown[0])} is no class of the training pictures."
        )
    for label, name in enumerate(classes):
        found = list(_class(place / name, label, part)) if (place / name).is_dir() else []
        if not found and part in ("", "train"):
            raise DataError(
                f"{place / name}: expected pictures ({', '.join(sorted(SUFFIXES))}), found none.",
                "Put some in, or remove the folder.",
            )
        yield from found


def _class(folder: Path, label: int, part: str) -> Iterator[LabelledImage]:
    for entry in sorted(_entries(folder), key=lambda entry: entry.name):
        named_like_one = entry.name[0] != "." and Path(entry.name).suffix.lower() in SUFFIXES
        # A pipe or a device of that name would be waited for.
        if named_like_one and entry.is_file():
            state = entry.stat()
            yield LabelledImage(entry.path, label, part, state.st_size, state.st_mtime_ns)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be read: {reason_of(error)}.", "Check the path."
        ) from error
