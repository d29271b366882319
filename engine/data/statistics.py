"""Statistics of a dataset, for ``data show`` and the browser of samples."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Images, Split
from cnn_tui.engine.data.preprocess import Normalizer

_CHUNK = 1024


class ClassCount(msgspec.Struct, frozen=True):
    """Number of images of a class in each split."""

    name: str
    train: int
    val: int
    test: int


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``data show --json``; pixels are measured on the training split."""

    name: str
    input: tuple[int, int, int]
    """``(C, H, W)``."""
    dtype: str
    train: int
    val: int
    test: int
    classes: tuple[ClassCount, ...]
    low: float
    """Smallest pixel; ``high`` is the largest."""
    high: float
    mean: tuple[float, ...]
    """Mean per channel; ``std`` is the standard deviation."""
    std: tuple[float, ...]
    notes: tuple[str, ...]


def measure(dataset: Dataset) -> Statistics:
    """Measure counts, range, mean and standard deviation of a dataset."""
    normalizer = Normalizer.fit(dataset.train)
    low, high = _range(dataset.train.images)
    splits = (dataset.train, dataset.val, dataset.test)
    counts = zip(*(_counts(split, len(dataset.classes)) for split in splits), strict=True)
    return Statistics(
        name=dataset.name,
        input=dataset.input_shape,
        dtype=str(dataset.train.images.dtype),
        train=len(dataset.train),
        val=len(dataset.val),
        test=len(dataset.test),
        classes=tuple(
            ClassCount(name, *count) for name, count in zip(dataset.classes, counts, strict=True)
        ),
        low=low,
        high=high,
        mean=tuple(normalizer.mean.ravel().tolist()),
        std=tuple(normalizer.std.ravel().tolist()),
        notes=dataset.notes,
    )


def first_of_each(split: Split, classes: int) -> list[int]:
    """Index of the first image of each class that has images."""
    labels, indices = np.unique(split.labels, return_index=True)
    return [int(index) for label, index in zip(labels, indices, strict=True) if label < classes]


def to_bytes(image: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Scale an image for display: from 0, or a negative ``low``, to ``high`` becomes 0 to 255."""
    low = min(low, 0.0)
    scaled = (image.astype(np.float64) - low) * (255 / ((high - low) or 1.0))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _counts(split: Split, classes: int) -> list[int]:
    counts: list[int] = np.bincount(split.labels, minlength=classes).tolist()
    return counts


def _range(images: Images) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
    return low, high
