"""MNIST and its kin from a folder of four IDX files: grey images of 28x28, ten classes.

LeCun, Bottou, Bengio & Haffner 1998; Xiao, Rasul & Vollgraf 2017 (Fashion-MNIST).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Split, require_classes
from cnn_tui.engine.data.idx import read_idx
from cnn_tui.engine.data.split import hold_out, share
from cnn_tui.engine.errors import DataError

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
