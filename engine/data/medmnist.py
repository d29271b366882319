"""Sets of MedMNIST v2 (Yang et al. 2023): one ``.npz`` file with three splits of 28x28 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split, require_classes
from cnn_tui.engine.data.npz import Arrays, open_npz
from cnn_tui.engine.data.sets import SOURCES


def load_medmnist(name: str, folder: Path) -> Dataset:
    """Load ``folder/NAME.npz``: ``train_images (N, 28, 28[, 3])``, ``train_labels (N, 1)`` ...

    Raises:
        DataError: The file is missing or damaged, or holds other arrays.
    """
    source = SOURCES[name]
    with open_npz(folder / source.files[0].name) as arrays:
        train, val, test = (_split(arrays, split, name) for split in ("train", "val", "test"))
    return Dataset(name, source.classes, train, val, test)


def _split(arrays: Arrays, split: str, name: str) -> Split:
    images, labels = arrays.read(f"{split}_images"), arrays.read(f"{split}_labels")
    channels, *sides = SOURCES[name].input
    shape = (len(images), *sides, channels)
    if images.dtype != np.uint8 or images.size != len(images) * channels * sides[0] * sides[1]:
        raise arrays.wrong(f"{split}_images: expected uint8 {shape}, received {images.shape}")
    if labels.dtype.kind not in "iu" or labels.size != len(images):
        raise arrays.wrong(
            f"{split}_labels: expected {len(images):,} whole numbers, received {labels.shape}"
        )
    flat = labels.reshape(-1).astype(np.int64)
    require_classes(flat, len(SOURCES[name].classes), f"{name}, {split}_labels")
    pixels = np.ascontiguousarray(np.moveaxis(images.reshape(shape), 3, 1))
    return Split(pixels, flat)
