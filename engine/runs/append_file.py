"""A file that only grows, on a disk that may take nothing for a while."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

from cnn_tui.engine.storage import Storage

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
