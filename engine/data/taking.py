"""Files of a dataset that were downloaded elsewhere: found by their checksums, and copied."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from cnn_tui.engine.data.sources import SOURCES, RemoteFile, dataset_dir, matches
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import listed


def take(name: str, given: Sequence[Path], folder: Path | None = None) -> Path:
    """Copy the files of a dataset to its folder and return that.

    A file may have any name; its content is held against the checksums before it gets the one that
    is expected here. What the folder has already need not be given.

    Args:
        name: One of :data:`SOURCES`.
        given: Files, and folders with files.
        folder: Target folder; by default the one in which ``load_dataset`` looks.

    Raises:
        DataError: A file is missing or another one, or cannot be copied.
    """
    folder = folder or dataset_dir(name)
    try:
        found = list(_files(given))
        for file in SOURCES[name].files:
            if not (folder / file.name).is_file() or not matches(folder / file.name, file):
                _copy(_among(found, file, name), folder / file.name)
    except OSError as error:
        raise DataError(
            f"{error.filename or folder}: {reason_of(error)}.",
            "Check the path and its permissions.",
        ) from error
    return folder


def _files(given: Sequence[Path]) -> Iterator[Path]:
    for path in given:
        inside = path.iterdir() if path.is_dir() else (path,)
        yield from sorted(one for one in inside if not one.is_dir())


def _among(found: Sequence[Path], file: RemoteFile, name: str) -> Path:
    likely = sorted(found, key=lambda path: path.name != file.name)
    for path in likely:
        if matches(path, file):
            return path
    official = "SHA-256" if file.is_exact else "MD5"
    same = [path for path in found if path.name == file.name]
    if same or len(found) == 1:
        path = (same or list(found))[0]
        raise DataError(
            f"{path}: its {official} is not that of {file.name}.",
            f"Fetch it again: {SOURCES[name].hosts[0]}{file.name}{SOURCES[name].query}",
        )
    wanted = listed([one.name for one in SOURCES[name].files], "and")
    raise DataError(f"{file.name} of {name} is not among the files given.", f"Expected: {wanted}.")


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.copy")
    shutil.copyfile(path, part)
    part.replace(target)
