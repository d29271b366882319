"""Events as lines of JSON: written to a file that only grows, read while it grows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from cnn_tui.engine.runs.grown import Grown
from cnn_tui.engine.runs.storage import Storage
from cnn_tui.engine.training.events import RunEvent

_CHUNK = 1 << 20
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RunEvent).decode


class Log(Grown):
    """A file of lines."""

    def __init__(self, storage: Storage, path: Path, length: int = 0) -> None:
        """Go on after the first ``length`` bytes of the file; what follows them is dropped."""
        super().__init__(storage, path)
        self._written = length

    def add(self, event: RunEvent) -> None:
        """Take a line; :meth:`flush` writes it."""
        self.put(_encode(event) + b"\n")

    def _start(self) -> BinaryIO:
        file = self._storage.open(self._path, "r+b" if self._path.exists() else "w+b")
        self._written = min(self._written, whole_lines(self._path))
        file.truncate(self._written)
        return file


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
