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


MOST_PENDING = 16 << 20
"""Bytes that wait for a disk that takes nothing; beyond that they are lost, not memory."""


class AppendFile:
    """A new file. What could not be written whole is written again in the same place."""

    def __init__(self, storage: Storage, path: Path) -> None:
        self._storage, self._path = storage, path
        self._file: BinaryIO | None = None
        self._written = 0
        self._pending = bytearray()

    @property
    def length(self) -> int:
        """Bytes so far, those that still wait included."""
        return self._written + len(self._pending)

    def put(self, data: bytes) -> None:
        """Take what stands or falls as one; :meth:`flush` writes it."""
        if len(self._pending) > MOST_PENDING:
            self._pending.clear()
        self._pending += data

    def flush(self) -> None:
        """Hand what waits to the system; on an OSError it goes on waiting."""
        if not self._pending:
            return
        file = self.open()
        try:
            file.seek(self._written)
            self._storage.write(file, bytes(self._pending))
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(self._written)
            raise
        self._written += len(self._pending)
        self._pending.clear()

    def sync(self) -> None:
        """Write, and wait until it is durable."""
        self.flush()
        self._storage.fsync(self.open().fileno())

    def close(self) -> None:
        """End, without writing."""
        if self._file is not None:
            self._file.close()

    def open(self) -> BinaryIO:
        """The file, opened at most once."""
        if self._file is None:
            self._file = self._start()
        return self._file

    def _start(self) -> BinaryIO:
        return self._storage.open(self._path, "xb")
