"""MNIST from a folder: LeCun, Bottou, Bengio & Haffner 1998, 28x28 handwritten digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split, require_classes
from cnn_tui.engine.data.idx import read_idx
from cnn_tui.engine.data.split import stratified_order
from cnn_tui.engine.errors import DataError

CLASSES = tuple("0123456789")
_SPLIT_SEED = 0
_VAL_SHARE = 12
"""One image in twelve of the training files validates: 5,000 of 60,000."""


def load_mnist(folder: Path) -> Dataset:
    """The four IDX files of ``folder``, each gzipped or not; the t10k files are the test split.

    Structure and lengths are checked, not checksums: a copy compressed anew is as good.

    Raises:
        DataError: A file is missing or damaged, or images and labels do not belong together.
    """
    every, test = _pair(folder, "train"), _pair(folder, "t10k")
    order = stratified_order(every.labels, _SPLIT_SEED)
    val, train = np.split(order, [max(1, len(order) // _VAL_SHARE)])
    return Dataset("mnist", CLASSES, every.take(train), every.take(val), test)


def _pair(folder: Path, prefix: str) -> Split:
    labels_path = _find(folder, f"{prefix}-labels-idx1-ubyte")
    images = read_idx(_find(folder, f"{prefix}-images-idx3-ubyte"), ndim=3)
    labels = read_idx(labels_path, ndim=1)
    require_classes(labels, len(CLASSES), str(labels_path))
    if len(images) != len(labels):
        raise DataError(
            f"{labels_path}: expected {len(images):,} labels, one for each image, "
            f"received {len(labels):,}.",
            "Take both files from the same copy of the set.",
        )
    return Split(images[:, None], labels.astype(np.int64))


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(
        f"{folder}: expected the file {name} or {name}.gz, found neither.",
        "Give the folder that holds the four files of MNIST with --data-dir.",
    )
