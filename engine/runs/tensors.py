"""Arrays in a file of the safetensors format, with a digest over arrays and metadata.

Layout: eight bytes with the size of the header, the header in JSON, the arrays one after another
(github.com/safetensors/safetensors, "Format"). Any reader of the format can read the weights; this
reader, unlike the format's own, streams, is typed and refuses files that it would not have written.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import msgspec
import numpy as np

from cnn_tui.engine.decoding import Count, decode
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import open_to_read
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.storage import Data

_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_META, _DIGEST = "cnn_tui", "sha256"
MAX_HEADER = 16 << 20
"""Bytes; a network of 2,000 layers needs a twentieth of this."""

Layout = dict[str, tuple[str, tuple[int, ...]]]
"""Type and shape of each array by name."""


class DamagedError(RunError):
    """A file that is damaged or not a checkpoint."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    dtype: Literal["F32", "F64", "I64"]
    shape: Annotated[tuple[Count, ...], msgspec.Meta(max_length=8)]
    data_offsets: tuple[Count, Count]


def encode(tensors: Mapping[str, Array], meta: bytes) -> Iterator[Data]:
    """Encode arrays and metadata, a JSON text, as the parts of a file."""
    text = _header(tensors, {_META: meta.decode(), _DIGEST: _digest(tensors, meta)})
    yield len(text).to_bytes(8, "little")
    yield text
    yield from map(_bytes, tensors.values())


def plain_encode(tensors: Mapping[str, Array]) -> Iterator[Data]:
    """Encode arrays alone as the parts of a file, for other programs."""
    text = _header(tensors, {"format": "pt"})
    yield len(text).to_bytes(8, "little")
    yield text
    yield from map(_bytes, tensors.values())


class TensorFile:
    """A file of arrays; only its header is read until :meth:`read`.

    Raises:
        DamagedError: here or in any method, if the file is not a complete one of :func:`encode`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size: int
        """Size of the arrays in bytes."""
        try:
            with open_to_read(path) as file:
                text, self.size = _read_header(file)
            header = decode(text, dict[str, msgspec.Raw])
            metadata = decode(bytes(header.pop("__metadata__")), dict[str, str])
            self.meta, self._expected = metadata[_META].encode(), metadata[_DIGEST]
            entries = {name: decode(bytes(raw), _Entry) for name, raw in header.items()}
            _require_gapless(entries, self.size)
        except KeyError as error:
            raise self.damaged(f"its header lacks {error}") from None
        except (OSError, ValueError) as error:
            raise self.damaged(reason_of(error)) from None
        self._start = 8 + len(text)
        self.layout: Layout = {name: (e.dtype, e.shape) for name, e in entries.items()}

    def read(self) -> dict[str, Array]:
        """Read all arrays and verify the digest."""
        try:
            with open_to_read(self.path) as file:
                file.seek(self._start)
                tensors = {name: _read(file, *entry) for name, entry in self.layout.items()}
        except (OSError, ValueError) as error:
            raise self.damaged(reason_of(error)) from None
        if _digest(tensors, self.meta) != self._expected:
            raise self.damaged("its content does not match its checksum")
        return tensors

    def arrays_digest(self) -> str:
        """SHA-256 of the bytes of all arrays without metadata, computed in constant memory."""
        try:
            with open_to_read(self.path) as file:
                file.seek(self._start)
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self.damaged(reason_of(error)) from None

    def damaged(self, why: str) -> DamagedError:
        """The error for this file, with the reason."""
        return DamagedError(f"The checkpoint {self.path.name} is damaged: {why}.")


def layout_of(tensors: Mapping[str, Array]) -> Layout:
    """Type and shape of each array, in the form of :attr:`TensorFile.layout`."""
    return {name: (_CODES[array.dtype], array.shape) for name, array in tensors.items()}


def _header(tensors: Mapping[str, Array], metadata: dict[str, str]) -> bytes:
    header: dict[str, object] = {"__metadata__": metadata}
    offset = 0
    for name, array in tensors.items():
        span = (offset, offset + array.nbytes)
        header[name] = _Entry(_CODES[array.dtype], array.shape, span)  # type: ignore[arg-type]
        offset += array.nbytes
    text = msgspec.json.encode(header)
    # Padded so that the arrays begin at a multiple of eight bytes.
    return text + b" " * (-len(text) % 8)


def _read_header(file: BinaryIO) -> tuple[bytes, int]:
    """The header and the number of bytes after it."""
    whole = file.seek(0, 2)
    file.seek(0)
    size = int.from_bytes(file.read(8), "little")
    if not 0 < size <= min(MAX_HEADER, whole - 8):
        raise ValueError("its header is cut off or too large")
    return file.read(size), whole - 8 - size


def _require_gapless(entries: Mapping[str, _Entry], size: int) -> None:
    end = 0
    for entry in entries.values():
        if min(entry.shape, default=1) < 1:
            raise ValueError("an array in it has no size")
        begin, end = end, end + math.prod(entry.shape) * _DTYPES[entry.dtype].itemsize
        if entry.data_offsets != (begin, end):
            raise ValueError("its arrays do not follow one another")
    if end != size:
        raise ValueError(f"expected {end:,} bytes of arrays, found {size:,}")


def _read(file: BinaryIO, code: str, shape: tuple[int, ...]) -> Array:
    array: Array = np.empty(shape, _DTYPES[code])
    if file.readinto(_bytes(array)) != array.nbytes:  # type: ignore[attr-defined]
        raise ValueError("it is cut off")
    return array


def _digest(tensors: Mapping[str, Array], meta: bytes) -> str:
    digest = hashlib.sha256(meta)
    for name, array in tensors.items():
        digest.update(f"\n{name} {_CODES[array.dtype]} {array.shape}\n".encode())
        digest.update(_bytes(array))
    return digest.hexdigest()


def _bytes(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
