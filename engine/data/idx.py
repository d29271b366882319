"""The IDX format of MNIST: big-endian sizes, then bytes. Its files are taken for hostile.

Layout (LeCun, Cortes & Burges, "THE IDX FILE FORMAT"): two zero bytes, the type (8 is unsigned
byte), the number of dimensions, one 32-bit size for each, then the elements, row by row.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.streams import fill
from cnn_tui.engine.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
_MAX_ELEMENTS = 1 << 30


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes, gzipped or not.

    The file must hold exactly what its header promises; a compressed one is read to at most one
    byte beyond that, whatever it would unpack to.

    Raises:
        DataError: Unreadable, not IDX, another type or number of dimensions, cut off or too long.
    """
    try:
        with _open(path) as stream:
            return _read(stream, path, ndim)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"its gzip stream is broken or cut off ({error}).") from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror or error}.", "Check the file and its rights."
        ) from error


def _open(path: Path) -> io.BufferedIOBase:
    if not path.is_file():
        raise DataError(f"{path}: expected a file, found none.", "Check --data-dir.")
    with path.open("rb") as stream:
        compressed = stream.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rb") if compressed else path.open("rb")


def _read(stream: io.BufferedIOBase, path: Path, ndim: int) -> NDArray[np.uint8]:
    sizes = _header(stream.read(4 + 4 * ndim), path, ndim)
    expected = math.prod(sizes)
    if not 0 < expected <= _MAX_ELEMENTS:
        raise _damaged(
            path, f"its header claims {'x'.join(map(str, sizes))} bytes, which cannot be."
        )
    content = np.empty(sizes, np.uint8)
    found = fill(stream, content)
    if found < expected or stream.read(1):
        received = "more" if found == expected else f"{found:,}"
        raise _damaged(path, f"expected {expected:,} bytes after the header, received {received}.")
    return content


def _header(head: bytes, path: Path, ndim: int) -> tuple[int, ...]:
    magic = bytes((0, 0, _UNSIGNED_BYTE, ndim))
    if head[:4] != magic:
        raise _damaged(
            path, f"expected the magic number 0x{magic.hex()}, received 0x{head[:4].hex()}."
        )
    if len(head) < 4 + 4 * ndim:
        raise _damaged(path, f"it ends inside its header, after {len(head)} bytes.")
    return struct.unpack(f">{ndim}I", head[4:])


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path}: {what}", "Fetch the file again.")
