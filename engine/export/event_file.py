"""TensorBoard's event files: records with checksums, each a small protobuf message.

A record is the length of its content (8 bytes) with a checksum, then the content with a checksum
 (tensorflow/core/lib/io/record_writer.h). Only scalars and restarts are written
(tensorflow/core/util/event.proto, framework/summary.proto), which need four types of protobuf
fields, and no library.
"""

from __future__ import annotations

import math
import os
import platform
import re
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from cnn_tui.engine.storage import AppendFile, Storage

_POLYNOMIAL = 0x82F63B78
"""The Castagnoli polynomial of CRC-32C, bits reversed."""
_MASK = 0xA282EAD8
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
_WALL_TIME, _STEP, _VERSION, _SUMMARY, _SESSION = 1, 2, 3, 5, 7
_STARTED = 1
_LARGEST = 3.4028234663852886e38
"""The largest float32; larger values become infinite."""
PREFIX = "events.out.tfevents."


class EventFile(AppendFile):
    """A file of scalars. TensorBoard reads the files of a folder in order of their names."""

    def __init__(self, storage: Storage, folder: Path, void_from: int, wall_time: float) -> None:
        """Start a file that purges the scalars of earlier files from step ``void_from`` on."""
        super().__init__(storage, folder / _next_name(folder))
        self.put(_record(_moment(wall_time) + _text(_VERSION, b"brain.Event:2")))
        restart = _text(_SESSION, _number(1, _STARTED))
        self.put(_record(_moment(wall_time, void_from) + restart))

    def add(self, step: int, values: Mapping[str, float], wall_time: float) -> None:
        """Buffer scalars by tag; :meth:`flush` writes them."""
        summary = b"".join(_text(1, _scalar(tag, value)) for tag, value in values.items())
        self.put(_record(_moment(wall_time, step) + _text(_SUMMARY, summary)))

    def _start(self) -> BinaryIO:
        # Made on the first write: a full disk may accept the folder later.
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return super()._start()


def event_files(folder: Path) -> list[Path]:
    """Return the event files of a folder in the order of their creation."""
    return sorted(folder.glob(f"{PREFIX}*"))


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of RFC 3720, appendix B.4."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = (entry >> 1) ^ (_POLYNOMIAL if entry & 1 else 0)
        entries.append(entry)
    return tuple(entries)


_TABLE = _table()


def _next_name(folder: Path) -> str:
    """A name that sorts after all existing files, even if the clock was set back."""
    taken = [re.match(r"\d+", path.name.removeprefix(PREFIX)) for path in event_files(folder)]
    stamp = max([int(time.time()), *(int(found[0]) + 1 for found in taken if found)])
    host = re.sub(r"[^A-Za-z0-9-]", "-", platform.node())[:64]
    return f"{PREFIX}{stamp:010}.{host}.{os.getpid()}"


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + masked_crc(length) + content + masked_crc(content)


def masked_crc(data: bytes) -> bytes:
    """The checksum of a record's length or content, rotated and shifted as TensorBoard's are."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF)


def _moment(wall_time: float, step: int = 0) -> bytes:
    return _key(_WALL_TIME, _DOUBLE) + struct.pack("<d", wall_time) + _number(_STEP, step)


def _scalar(tag: str, value: float) -> bytes:
    if abs(value) > _LARGEST:
        value = math.copysign(math.inf, value)
    return _text(1, tag.encode()) + _key(2, _FLOAT) + struct.pack("<f", value)


def _text(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _key(field: int, kind: int) -> bytes:
    return bytes((field << 3 | kind,))


def _varint(value: int) -> bytes:
    """Seven bits per byte, the low ones first; the top bit marks that more follow."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
