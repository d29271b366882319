"""Writing: the disk that a run depends on, files replaced as a whole, and files that only grow."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from cnn_tui.engine.files import is_regular, open_regular

Data = bytes | memoryview
_PREFIX, _SUFFIX = ".", ".tmp"
_TRIES, _PAUSE = 20, 0.02
"""How often a file in use is tried to be replaced, and seconds between."""


class Storage:
    """The real disk; tests substitute a failing one."""

    def open(self, path: Path, mode: str) -> BinaryIO:
        """Open a regular file, unbuffered and binary, so that no write fails later."""
        return open(path, mode, buffering=0, opener=open_regular)  # type: ignore[return-value]

    def write(self, file: BinaryIO, data: Data) -> None:
        """Write all of ``data``."""
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]

    def fsync(self, descriptor: int) -> None:
        """Wait until the file's data is on the disk."""
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Move ``source`` over ``target`` atomically."""
        if sys.platform == "win32":
            # Refused while another process reads the target, which takes it a moment.
            for _ in range(_TRIES):
                with contextlib.suppress(PermissionError):
                    source.replace(target)
                    return
                time.sleep(_PAUSE)
        source.replace(target)


def replace_file(
    storage: Storage,
    path: Path,
    chunks: Iterable[Data],
    *,
    durable: bool = True,
    mode: int | None = None,
) -> None:
    """Write a file atomically: on any failure the previous file stays.

    Without ``durable`` a power cut may lose the new file, but never leaves half of it. A link at
    ``path`` is replaced, not followed.

    Raises:
        OSError: if the file could not be written.
    """
    # A new file under a name that nobody can guess: no existing file is written to.
    temporary = path.with_name(temporary_name())
    opened = storage.open(temporary, "xb")
    try:
        with opened as file:
            for chunk in chunks:
                storage.write(file, chunk)
            if mode is not None and sys.platform != "win32":
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
    """A file name for a write in progress, which no other process uses or can guess."""
    return f"{_PREFIX}cnn-tui-{os.urandom(8).hex()}{_SUFFIX}"


def clear_temporaries(folder: Path) -> None:
    """Remove the temporary files that a process killed in :func:`replace_file` left behind.

    Raises:
        OSError: if one of them cannot be removed.
    """
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        if is_regular(path):
            path.unlink(missing_ok=True)


def sync_folder(storage: Storage, folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut."""
    if sys.platform == "win32":
        return  # a folder cannot be opened there, and NTFS keeps a journal of names
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        storage.fsync(descriptor)
    finally:
        os.close(descriptor)


MOST_PENDING = 16 << 20
"""Bytes that are buffered for a full disk; beyond that they are dropped, to save memory."""


class AppendFile:
    """A new file that only grows; a failed write is repeated at the same offset."""

    def __init__(self, storage: Storage, path: Path) -> None:
        self._storage, self._path = storage, path
        self._file: BinaryIO | None = None
        self._written = 0
        self._pending = bytearray()

    @property
    def length(self) -> int:
        """Bytes so far, including those not yet written."""
        return self._written + len(self._pending)

    def put(self, data: bytes) -> None:
        """Buffer a record that is written whole or not at all by :meth:`flush`."""
        if len(self._pending) > MOST_PENDING:
            self._pending.clear()
        self._pending += data

    def flush(self) -> None:
        """Write the buffered records; after an OSError they stay buffered."""
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
        """Write the buffered records and wait until they are on the disk."""
        self.flush()
        self._storage.fsync(self.open().fileno())

    def close(self) -> None:
        """Close the file without writing."""
        if self._file is not None:
            self._file.close()

    def open(self) -> BinaryIO:
        """The file, opened on first use."""
        if self._file is None:
            self._file = self._start()
        return self._file

    def _start(self) -> BinaryIO:
        return self._storage.open(self._path, "xb")
