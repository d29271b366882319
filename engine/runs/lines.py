"""Events as lines of JSON: written to a file that only grows, read while it grows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from cnn_tui.engine.decoding import UnreadableError, convert, encode, reader
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import is_regular, open_to_read
from cnn_tui.engine.storage import AppendFile, Storage
from cnn_tui.engine.training.events import RunEnded, RunEvent

MOST_LINE = 4 << 20
"""Bytes; a file with a longer line is read up to there."""
_CHUNK = 1 << 20
_MAY_BE_NULL = {
    "loss", "l2_loss", "train_loss", "val_loss", "input_mean", "input_std", "score_range",
}  # fmt: skip
"""Figures that a training which comes to no numbers leaves."""
_read, _read_any = reader(RunEvent), reader(dict[str, Any])


class Log(AppendFile):
    """A file of lines."""

    def __init__(self, storage: Storage, path: Path, length: int = 0) -> None:
        """Go on after the first ``length`` bytes of the file; what follows them is dropped."""
        super().__init__(storage, path)
        self._written = length

    def add(self, event: RunEvent) -> None:
        """Take a line; :meth:`flush` writes it."""
        self.put(encode(event) + b"\n")

    def _start(self) -> BinaryIO:
        file = self._storage.open(self._path, "r+b" if is_regular(self._path) else "w+b")
        self._written = min(self._written, whole_lines(self._path))
        file.truncate(self._written)
        return file


def whole_lines(path: Path) -> int:
    """Bytes up to the end of the last line that has one."""
    with open_to_read(path) as file:
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
    """The events of a file, from its start to its last whole line, a chunk at a time.

    Raises:
        RunError: if it is there and cannot be read.
    """
    try:
        with open_to_read(path) as file:
            rest = b""
            while len(rest) < MOST_LINE and (chunk := file.read(_CHUNK)):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from decode_lines(lines)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> RunError:
    """The error that says so of a file of events."""
    return RunError(f"{path} cannot be read: {reason_of(error)}.")


def decode_lines(lines: list[bytes]) -> Iterator[RunEvent]:
    """The events of these lines; a line that is none, or of a later version, is left out."""
    for line in lines:
        event = decode_event(line)
        if event is not None:
            yield event


def decode_event(line: bytes) -> RunEvent | None:
    """One event; None if the line is none. A figure that stands there as null is NaN."""
    try:
        event: RunEvent = _read(line)
    except UnreadableError:
        return _decode_not_finite(line)
    if isinstance(event, RunEnded) and event.test_accuracy is not None and event.test_loss is None:
        return msgspec.structs.replace(event, test_loss=math.nan)
    return event


def _decode_not_finite(line: bytes) -> RunEvent | None:
    """JSON has no NaN: a figure that was not finite stands there as null."""
    try:
        fields = _read_any(line)
        lost = [key for key in _MAY_BE_NULL & fields.keys() if fields[key] is None]
        event: RunEvent = convert(fields | dict.fromkeys(lost, 0.0), RunEvent)
    except UnreadableError:
        return None
    lost = [key for key in lost if hasattr(event, key)]
    return msgspec.structs.replace(event, **dict.fromkeys(lost, math.nan))
