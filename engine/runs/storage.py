"""Every touch of the disk on which a run depends, in one place so that tests can make it fail."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

Data = bytes | memoryview
_TEMPORARY = ".tmp"


class Storage:
    """The real disk."""

    def open(self, path: Path, mode: str) -> BinaryIO:
        """An unbuffered binary file: what was written cannot fail later."""
        return path.open(mode, buffering=0)  # type: ignore[return-value]

    def write(self, file: BinaryIO, data: Data) -> None:
        """All of ``data``."""
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]

    def fsync(self, descriptor: int) -> None:
        """Wait until the disk has it."""
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Put ``source`` in the place of ``target``, all at once."""
        source.replace(target)


def replace_file(
    storage: Storage, path: Path, parts: Iterable[Data], *, durable: bool = True
) -> None:
    """Write a file that is either whole and durable or, on any failure, as it was before.

    One that need not be ``durable`` may be lost in a power cut, though still not halved.

    Raises:
        OSError: if it could not be written.
    """
    temporary = path.with_name(f".{path.name}{_TEMPORARY}")
    try:
        with storage.open(temporary, "wb") as file:
            for part in parts:
                storage.write(file, part)
            if durable:
                storage.fsync(file.fileno())
        storage.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(storage, path.parent)


def clear_temporaries(folder: Path) -> None:
    """Remove what a process that was killed in :func:`replace_file` left behind."""
    for path in folder.rglob(f".*{_TEMPORARY}"):
        path.unlink(missing_ok=True)


def sync_folder(storage: Storage, folder: Path) -> None:
    """Make names in ``folder`` outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        storage.fsync(descriptor)
    finally:
        os.close(descriptor)
