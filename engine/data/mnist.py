"""MNIST and its kin from four IDX files each: grey images of 28x28 pixels, ten classes.

LeCun, Bottou, Bengio & Haffner 1998; Xiao, Rasul & Vollgraf 2017 (Fashion-MNIST); Clanuwat et al.
2018 (KMNIST). Layout of IDX (LeCun, Cortes & Burges, "THE IDX FILE FORMAT"): two zero bytes, the
type (8 is unsigned byte), the number of dimensions, one big-endian 32-bit size for each, then the
elements, row by row. The files are treated as hostile.
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

from cnn_tui.engine.data.dataset import Dataset, Split, hold_out, require_classes, share
from cnn_tui.engine.data.sets import SOURCES
from cnn_tui.engine.data.streams import fill
from cnn_tui.engine.errors import DataError, reason_of

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
_MAX_ELEMENTS = 1 << 30


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """Read the array of an IDX file of unsigned bytes, gzipped or not.

    The file must have exactly the size that its header declares; of a compressed file at most one
    byte more is unpacked.

    Raises:
        DataError: The file is unreadable, is not IDX of this type and number of dimensions, or has
            another length.
    """
    try:
        with _open(path) as stream:
            return _read(stream, path, ndim)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"its gzip stream is damaged or truncated ({error}).") from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {reason_of(error)}.", "Check the file and its permissions."
        ) from error


def _open(path: Path) -> io.BufferedIOBase:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.", "Check --data-dir.")
    with path.open("rb") as stream:
        compressed = stream.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rb") if compressed else path.open("rb")


def _read(stream: io.BufferedIOBase, path: Path, ndim: int) -> NDArray[np.uint8]:
    sizes = _header(stream.read(4 + 4 * ndim), path, ndim)
    expected = math.prod(sizes)
    if not 0 < expected <= _MAX_ELEMENTS:
        raise _damaged(
            path, f"its header declares an impossible size, {'x'.join(map(str, sizes))} bytes."
        )
    content = np.empty(sizes, np.uint8)
    count = fill(stream, content)
    if count < expected or stream.read(1):
        received = "more" if count == expected else f"{count:,}"
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


_VAL_PARTS = 12
"""One image in twelve of the training files validates: 5,000 of 60,000."""


def load_mnist(name: str, folder: Path) -> Dataset:
    """Load the four IDX files of ``folder``, gzipped or not; the t10k files are the test split.

    Structure and lengths are checked, not checksums: a recompressed copy is valid.

    Raises:
        DataError: A file is missing or damaged, or the numbers of images and labels differ.
    """
    classes = SOURCES[name].classes
    images, labels = _pair(folder, "train", len(classes))
    test = Split(*_pair(folder, "t10k", len(classes)))
    train, val = hold_out(images, labels, share(len(labels), _VAL_PARTS))
    return Dataset(name, classes, train, val, test)


def _pair(folder: Path, prefix: str, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels_path = _find(folder, f"{prefix}-labels-idx1-ubyte")
    images = read_idx(_find(folder, f"{prefix}-images-idx3-ubyte"), ndim=3)
    labels = read_idx(labels_path, ndim=1)
    require_classes(labels, classes, str(labels_path))
    if len(images) != len(labels):
        raise DataError(
            f"{labels_path}: expected {len(images):,} labels, one for each image, "
            f"received {len(labels):,}.",
            "Use both files from the same copy of the dataset.",
        )
    return images[:, None], labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(
        f"{folder}: expected the file {name} or {name}.gz, found neither.",
        "Give the folder of the four files with --data-dir.",
    )
