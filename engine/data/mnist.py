"""MNIST and its kin from a folder of four IDX files: grey images of 28x28, ten classes.

LeCun, Bottou, Bengio & Haffner 1998; Xiao, Rasul & Vollgraf 2017 (Fashion-MNIST).
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
from cnn_tui.engine.data.streams import fill
from cnn_tui.engine.errors import DataError, reason_of

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
            f"{path}: cannot be read: {reason_of(error)}.", "Check the file and its rights."
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


_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
}  # fmt: skip
_VAL_PARTS = 12
"""One image in twelve of the training files validates: 5,000 of 60,000."""


def load_mnist(name: str, folder: Path) -> Dataset:
    """The four IDX files of ``folder``, each gzipped or not; the t10k files are the test split.

    Structure and lengths are checked, not checksums: a copy compressed anew is as good.

    Raises:
        DataError: A file is missing or damaged, or images and labels do not belong together.
    """
    classes = _CLASSES[name]
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
            "Take both files from the same copy of the set.",
        )
    return images[:, None], labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(
        f"{folder}: expected the file {name} or {name}.gz, found neither.",
        "Give the folder that holds the four files of the set with --data-dir.",
    )
