"""Events as lines of JSON: written to a file that only grows, read while it grows."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from cnn_tui.engine.runs.storage import Storage
from cnn_tui.engine.training.events import RunEvent

MOST_PENDING = 16 << 20
"""Bytes that wait for a disk that takes nothing; beyond that lines are lost, not memory."""

_CHUNK = 1 << 20
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RunEvent).decode


class Log:
    """A file of lines. One that could not be written whole is written again in the same place."""

    def __init__(self, storage: Storage, path: Path, length: int = 0) -> None:
        """Go on after the first ``length`` bytes of the file; what follows them is dropped."""
        self._storage, self._path = storage, path
        self._file: BinaryIO | None = None
        self._written = length
        self._pending = bytearray()

    @property
    def length(self) -> int:
        """Bytes so far, those that still wait included."""
        return self._written + len(self._pending)

    def add(self, event: RunEvent) -> None:
        """Take a line; :meth:`flush` writes it."""
        if len(self._pending) > MOST_PENDING:
            self._pending.clear()
        self._pending += _encode(event)
        self._pending += b"\n"

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
            file = self._storage.open(self._path, "r+b" if self._path.exists() else "w+b")
            self._written = min(self._written, whole_lines(self._path))
            file.truncate(self._written)
            self._file = file
        return self._file


def whole_lines(path: Path) -> int:
    """Bytes up to the end of the last line that has one."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end > 0:
            start = max(0, end - _CHUNK)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def read_events(path: Path) -> Iterator[RunEvent]:
    """The events of a file, from its start to its last whole line, a chunk at a time."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        rest = b""
        while chunk := file.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from decode_lines(lines)


def decode_lines(lines: list[bytes]) -> Iterator[RunEvent]:
    """The events of these lines; a line that is none, or of a later version, is left out."""
    for line in lines:
        event = decode_event(line)
        if event is not None:
            yield event


def decode_event(line: bytes) -> RunEvent | None:
    """One event; None if the line is none."""
    try:
        event: RunEvent = _decode(line)
        return event
    except msgspec.DecodeError:
        return _decode_not_finite(line)


def _decode_not_finite(line: bytes) -> RunEvent | None:
    """JSON has no NaN: a figure that was not finite stands there as null."""
    try:
        fields = msgspec.json.decode(line)
        fields = {key: math.nan if value is None else value for key, value in fields.items()}
        event: RunEvent = msgspec.convert(fields, RunEvent)
        return event
    except (msgspec.DecodeError, msgspec.ValidationError, AttributeError):
        return None
