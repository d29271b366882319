"""Reads TensorBoard's event files: records with checksums, each a small protobuf message.

The counterpart of :mod:`cnn_tui.engine.export.event_file`, which names the sources. A file that
grows is read up to its last whole record, a damaged one up to the damage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cnn_tui.engine.export.event_file import masked_crc
from cnn_tui.engine.files import open_to_read

MOST_RECORD = 64 << 20
"""Bytes; longer records, which would be pictures or networks, are taken for damage."""
_FRAME = struct.Struct("<QI")
_MOST_TAG, _MOST_VALUES, _MOST_STEP = 200, 10_000, 2**53
_FLOAT, _DOUBLE = 1, 2
"""Types of tensors (tensorflow/core/framework/types.proto)."""

Field = tuple[int, int, int | bytes]
"""Number, kind, and value of a protobuf field."""


class DamagedRecordError(Exception):
    """A record that is not as its checksums say."""


class LoggedScalars(NamedTuple):
    """The scalars of one record."""

    wall_time: float
    step: int
    values: dict[str, float]


class RecordReader:
    """The new records of a growing file."""

    def __init__(self, path: Path) -> None:
        self.path, self.position = path, 0
        self.damage = ""
        """Why nothing more is read."""

    def read(self, most: int) -> Iterator[LoggedScalars]:
        """The scalars of the next records, up to about ``most`` bytes.

        Raises:
            OSError: if the file cannot be read.
        """
        if self.damage:
            return
        with open_to_read(self.path) as file:
            end = self.position + most
            while self.position < end:
                file.seek(self.position)
                try:
                    content = _record(file)
                    if content is None:
                        return
                    length = len(content[0])
                    scalars = _scalars(content[0])
                    if scalars is not None and masked_crc(content[0]) != content[1]:
                        raise DamagedRecordError("its checksum is wrong")
                except DamagedRecordError as error:
                    self.damage = f"{self.path.name} is damaged after byte {self.position}: {error}"
                    return
                self.position += _FRAME.size + length + 4
                if scalars is not None and scalars.values:
                    yield scalars


def _record(file: BinaryIO) -> tuple[bytes, bytes] | None:
    """The content of the next record and its checksum; None if it is not whole yet."""
    frame = file.read(_FRAME.size)
    if len(frame) < _FRAME.size:
        return None
    (length, _) = _FRAME.unpack(frame)
    if masked_crc(frame[:8]) != frame[8:]:
        raise DamagedRecordError("the length of a record has a wrong checksum")
    if length > MOST_RECORD:
        raise DamagedRecordError(f"a record of {length:,} bytes")
    content = file.read(length + 4)
    return (content[:length], content[length:]) if len(content) == length + 4 else None


def _scalars(event: bytes) -> LoggedScalars | None:
    """The scalars of an event (tensorflow/core/util/event.proto); None if it has no summary."""
    wall_time, step, values, summaries = 0.0, 0, dict[str, float](), 0
    for number, _, value in _fields(event):
        if number == 1 and isinstance(value, bytes) and len(value) == 8:
            (wall_time,) = struct.unpack("<d", value)
        elif number == 2 and isinstance(value, int):
            step = value
        elif number == 5 and isinstance(value, bytes):
            summaries += 1
            values |= _summary(value)
    if not summaries or step > _MOST_STEP:
        return None
    return LoggedScalars(wall_time if abs(wall_time) < 1e12 else 0.0, step, values)


def _summary(summary: bytes) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, _, value in _fields(summary):
        if number != 1 or not isinstance(value, bytes) or len(found) >= _MOST_VALUES:
            continue
        tag, scalar = "", None
        for inner, _, part in _fields(value):
            if inner == 1 and isinstance(part, bytes):
                tag = part[: 4 * _MOST_TAG].decode("utf-8", "replace")[:_MOST_TAG]
            elif inner == 2 and isinstance(part, bytes) and len(part) == 4:
                (scalar,) = struct.unpack("<f", part)
            elif inner == 8 and isinstance(part, bytes):
                scalar = _tensor(part)
        if tag and scalar is not None:
            found[tag] = scalar
    return found


def _tensor(tensor: bytes) -> float | None:
    """The only number of a tensor of floats, as TensorFlow 2 writes scalars; else None."""
    kind, content = 0, b""
    for number, _, value in _fields(tensor):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number in (4, 5, 6) and isinstance(value, bytes):
            content = value
    form = {(_FLOAT, 4): "<f", (_DOUBLE, 8): "<d"}.get((kind, len(content)))
    return None if form is None else float(struct.unpack(form, content)[0])


def _fields(message: bytes) -> Iterator[Field]:
    """The fields of a message; numbers of fixed size are bytes."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, kind, value
            continue
        size = {1: 8, 5: 4}.get(kind, 0)
        if kind == 2:
            size, at = _varint(message, at)
        elif not size:
            raise DamagedRecordError(f"a field of the unknown kind {kind}")
        if at + size > end:
            raise DamagedRecordError("a field is longer than its record")
        yield number, kind, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise DamagedRecordError("a number has no end")
