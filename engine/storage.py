"""Writing to disk: the operations that a run depends on, and atomic replacement of files."""

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
    """The real disk; tests substitute one that fails."""

    def open(self, path: Path, mode: str) -> BinaryIO:
        """An unbuffered regular binary file, so that errors occur at the write."""
        return open(path, mode, buffering=0, opener=open_regular)  # type: ignore[return-value]

    def write(self, file: BinaryIO, data: Data) -> None:
        """Write all of ``data``."""
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]

    def fsync(self, descriptor: int) -> None:
        """Wait until the file is on disk."""
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Replace ``target`` by ``source`` atomically."""
        source.replace(target)


def replace_file(
    storage: Storage,
    path: Path,
    parts: Iterable[Data],
    *,
    durable: bool = True,
    mode: int | None = None,
) -> None:
    """Replace a file atomically: on any failure it stays as it was.

    Without ``durable`` the new file may be lost in a power cut, but is never incomplete. A link at
    ``path`` is replaced, not followed.

    Raises:
        OSError: if the file cannot be written.
    """
    # An unguessable name, created exclusively, so that no other file can be written to.
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
    """A name for a temporary file that no other process uses or can guess."""
    return f"{_PREFIX}cnn-tui-{os.urandom(8).hex()}{_SUFFIX}"


def clear_temporaries(folder: Path) -> None:
    """Remove the files that a process killed in :func:`replace_file` left in ``folder``.

    Raises:
        OSError: if a file cannot be removed.
    """
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        if is_regular(path):
            path.unlink(missing_ok=True)


def sync_folder(storage: Storage, folder: Path) -> None:
    """Make the entries of ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        storage.fsync(descriptor)
    finally:
        os.close(descriptor)
