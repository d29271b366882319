"""CIFAR-10 and CIFAR-100 in the binary version: colour images of 32x32 pixels (Krizhevsky 2009).

Layout: records of one label byte, two for CIFAR-100 (the coarse one first), then 3,072 bytes of
red, green and blue planes. The paths in the archive are never used: members are selected by their
exact names and sizes and written to files named here.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.cache import cached, digest, file_state
from cnn_tui.engine.data.dataset import Dataset, Split, hold_out, require_classes, share
from cnn_tui.engine.data.streams import fill, unpack
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import plain

_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_MOST_BYTES = 1 << 30
_VAL_PARTS = 10
"""One training image in ten validates: 5,000 of 50,000."""


class _Version(NamedTuple):
    folder: str
    """Folder inside the archive, and of the usual unpacked copy."""
    train: dict[str, int]
    """Files and their official sizes; a subset of them is enough in a user's folder."""
    test: dict[str, int]
    names: str
    """The file of class names."""
    labels: int
    """Bytes before the pixels; the last one is the label."""
    classes: int
    known: tuple[str, ...] = ()


_VERSIONS = {
    "cifar10": _Version(
        "cifar-10-batches-bin",
        {f"data_batch_{number}.bin": 30_730_000 for number in range(1, 6)},
        {"test_batch.bin": 30_730_000},
        "batches.meta.txt",
        1,
        10,
        (
            "airplane", "automobile", "bird", "cat", "deer",
            "dog", "frog", "horse", "ship", "truck",
        ),
    ),
    "cifar100": _Version(
        "cifar-100-binary",
        {"train.bin": 153_700_000},
        {"test.bin": 30_740_000},
        "fine_label_names.txt",
        2,
        100,
    ),
}  # fmt: skip


def load_cifar(name: str, folder: Path) -> Dataset:
    """Load the dataset from its ``.bin`` files in ``folder``, or from the official archive there.

    Raises:
        DataError: The files are missing or damaged.
    """
    version = _VERSIONS[name]
    bin_dir = _bin_folder(folder, version) or _from_archive(name, folder, version)
    rows = _rows(bin_dir, [file for file in version.train if (bin_dir / file).is_file()], version)
    labels, images = _columns(rows, version)
    train, val = hold_out(images, labels, share(len(rows), _VAL_PARTS))
    labels, images = _columns(_rows(bin_dir, list(version.test), version), version)
    return Dataset(name, _classes(bin_dir, version), train, val, Split(images, labels))


def _bin_folder(folder: Path, version: _Version) -> Path | None:
    for bin_dir in (folder, folder / version.folder):
        if any((bin_dir / file).is_file() for file in version.train):
            return bin_dir
    return None


def _from_archive(name: str, folder: Path, version: _Version) -> Path:
    archive = folder / f"{name.replace('cifar', 'cifar-')}-binary.tar.gz"
    if not archive.is_file():
        raise DataError(
            f"{folder}: expected {archive.name} or the file {next(iter(version.train))}, "
            "found neither.",
            "Give the folder of the binary version with --data-dir.",
        )
    exact = {
        f"{version.folder}/{file}": size for file, size in (version.train | version.test).items()
    }
    return cached(
        name,
        digest(file_state(archive)),
        sum(exact.values()),
        lambda made: unpack(archive, exact, {f"{version.folder}/{version.names}": 1 << 14}, made),
    )


def _rows(bin_dir: Path, files: list[str], version: _Version) -> NDArray[np.uint8]:
    """The records of all files, ``(N, label bytes + 3072)``."""
    counts = [_records(bin_dir / file, version) for file in files]
    rows = np.empty((sum(counts), version.labels + _PIXELS), np.uint8)
    start = 0
    for file, count in zip(files, counts, strict=True):
        block = rows[start : start + count]
        with (bin_dir / file).open("rb") as stream:
            if fill(stream, block) < block.nbytes:
                raise DataError(f"{bin_dir / file}: the file was truncated while being read.")
        require_classes(block[:, version.labels - 1], version.classes, str(bin_dir / file))
        start += count
    return rows


def _records(path: Path, version: _Version) -> int:
    record = version.labels + _PIXELS
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: {reason_of(error)}.", "Check --data-dir.") from error
    if not 0 < size <= _MOST_BYTES or size % record:
        raise DataError(
            f"{path}: expected whole records of {record:,} bytes, received {size:,} bytes.",
            "Fetch the file again.",
        )
    return size // record


def _columns(
    rows: NDArray[np.uint8], version: _Version
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    labels = rows[:, version.labels - 1].astype(np.int64)
    return labels, rows[:, version.labels :].reshape(-1, *_SHAPE)


def _classes(bin_dir: Path, version: _Version) -> tuple[str, ...]:
    """Class names; numbers if the file of names is missing or has another count."""
    if version.known:
        return version.known
    path = bin_dir / version.names
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    names = tuple(plain(line.strip()) for line in text[: 1 << 14].splitlines() if line.strip())
    usable = len(names) == version.classes
    return names if usable else tuple(str(number) for number in range(version.classes))
