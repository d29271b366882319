"""Events as lines of JSON: appended to a file, and read while the file grows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from cnn_tui.engine.decoding import UnreadableError, convert, encode, reader
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import is_regular, open_to_read
from cnn_tui.engine.storage import AppendFile, Storage
from cnn_tui.engine.training.events import RunEnded, RunEvent

MOST_LINE = 4 << 20
"""Bytes; a file with a longer line is read up to that line."""
_CHUNK = 1 << 20
_MAY_BE_NULL = {
    "loss", "l2_loss", "train_loss", "val_loss", "input_mean", "input_std", "score_range",
    "accuracy", "train_accuracy", "val_accuracy", "lr",
}  # fmt: skip
"""Figures that are not finite, and so null in JSON, when a training diverges or another program
does not report them."""


@cache
def _event_reader() -> Callable[[bytes | str], Any]:
    # Made for the first line: it takes longer than most of what the first paint waits for.
    return reader(RunEvent)


class Log(AppendFile):
    """A file of events, one per line."""

    def __init__(self, storage: Storage, path: Path, length: int = 0) -> None:
        """Continue after the first ``length`` bytes of the file; later bytes are dropped."""
        super().__init__(storage, path)
        self._written = length

    def add(self, event: RunEvent) -> None:
        """Buffer an event; :meth:`flush` writes it."""
        self.put(encode(event) + b"\n")

    def _start(self) -> BinaryIO:
        file = self._storage.open(self._path, "r+b" if is_regular(self._path) else "w+b")
        self._written = min(self._written, whole_lines(self._path))
        file.truncate(self._written)
        return file


def whole_lines(path: Path) -> int:
    """Bytes up to the end of the last complete line."""
    with open_to_read(path) as file:
        end = file.seek(0, 2)
        while end > 0:
            start = max(0, end - _CHUNK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0


def read_events(path: Path) -> Iterator[RunEvent]:
    """The events of a file up to its last complete line, read in chunks; none without a file.

    Raises:
        RunError: if the file exists and cannot be read.
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
    """The error for a file of events that cannot be read."""
    return RunError(f"{path} cannot be read: {reason_of(error)}.")


def decode_lines(lines: Iterable[bytes]) -> Iterator[RunEvent]:
    """The events of these lines; unreadable lines and those of later versions are skipped."""
    for line in lines:
        event = decode_event(line)
        if event is not None:
            yield event


def decode_event(line: bytes) -> RunEvent | None:
    """Decode one event; None if the line is unreadable. A figure that is null becomes NaN."""
    try:
        event: RunEvent = _event_reader()(line)
    except UnreadableError:
        return _decode_not_finite(line)
    if isinstance(event, RunEnded) and event.test_accuracy is not None and event.test_loss is None:
        return msgspec.structs.replace(event, test_loss=math.nan)
    return event


def _decode_not_finite(line: bytes) -> RunEvent | None:
    """Decode an event with null figures: JSON has no NaN and no infinity."""
    try:
        fields = reader(dict[str, Any])(line)
        nulls = [key for key in _MAY_BE_NULL & fields.keys() if fields[key] is None]
        event: RunEvent = convert(fields | dict.fromkeys(nulls, 0.0), RunEvent)
    except UnreadableError:
        return None
    nulls = [key for key in nulls if hasattr(event, key)]
    return msgspec.structs.replace(event, **dict.fromkeys(nulls, math.nan))
