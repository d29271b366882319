"""Writing: every touch of the disk on which a run depends, and files that are replaced whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from cnn_tui.engine.files import is_regular, open_regular

Data = bytes | memoryview
_PREFIX, _SUFFIX = ".", ".tmp"


class Storage:
    """The real disk; tests put one in its place that fails."""

    def open(self, path: Path, mode: str) -> BinaryIO:
        """An unbuffered, regular, binary file: what was written cannot fail later."""
        return open(path, mode, buffering=0, opener=open_regular)  # type: ignore[return-value]

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
    storage: Storage,
    path: Path,
    parts: Iterable[Data],
    *,
    durable: bool = True,
    mode: int | None = None,
) -> None:
    """Write a file that is either whole and durable or, on any failure, as it was before.

    One that need not be ``durable`` may be lost in a power cut, though still not halved. A link in
    its place is replaced as well, not followed.

    Raises:
        OSError: if it could not be written.
    """
    # A name that nobody can have put there, made exclusively: nothing else is written to.
    temporary = path.with_name(temporary_name())
    opened = storage.open(temporary, "xb")
    try:
        with opened as file:
            for part in parts:
                storage.write(file, part)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            if durable:
                storage.fsync(file.fileno())
        storage.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(storage, path.parent)


def temporary_name() -> str:
    """A name for what is being written, which no other process uses or can guess."""
    return f"{_PREFIX}cnn-tui-{os.urandom(8).hex()}{_SUFFIX}"


def clear_temporaries(folder: Path) -> None:
    """Remove what a process that was killed in :func:`replace_file` left in a folder.

    Raises:
        OSError: if something cannot be removed.
    """
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        if is_regular(path):
            path.unlink(missing_ok=True)


def sync_folder(storage: Storage, folder: Path) -> None:
    """Make names in ``folder`` outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        storage.fsync(descriptor)
    finally:
        os.close(descriptor)
