"""Labelled images in three splits, checked once on entering the engine; stratified sampling."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import DataError
from cnn_tui.engine.shapes import format_shape

_CHUNK = 1024
"""Images checked at a time, so that a large split needs no large temporary."""


Pixels = NDArray[np.uint8] | NDArray[np.float32]
"""Images in memory, ``(N, C, H, W)``."""


class Images(Protocol):
    """Images ``(N, C, H, W)``: an array, or a file that is read in pieces."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, C, H, W)``."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels: uint8 or float32."""

    def __len__(self) -> int:
        """Number of images."""

    def __getitem__(self, chosen: Any, /) -> Any:
        """The images of an index array or a slice, in memory; one image for an integer."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images ``(N, C, H, W)``, uint8 or finite float32, and their classes ``(N,)``, int64.

    Raises:
        DataError: An array has another type or shape, or contains NaN or infinity.
    """

    images: Images
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        _require_images(self.images)
        _require_labels(self.labels, len(self.images))

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def first(self, count: int) -> Split:
        """The first ``count`` images; a view of arrays, not a copy."""
        return Split(self.images[:count], self.labels[:count])

    def take(self, indices: NDArray[np.integer]) -> Split:
        """A copy of the images at ``indices``, in that order."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training, validation and test split of one set of images.

    Raises:
        DataError: A split is empty, the images differ in size, or a label has no class.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    notes: tuple[str, ...] = ()
    """Remarks on this copy of the data, as sentences to show."""

    def __post_init__(self) -> None:
        for name in ("train", "val", "test"):
            self._require_split(name, getattr(self, name))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    def each(self, change: Callable[[Split], Split], *notes: str) -> Dataset:
        """The dataset with every split changed, and further notes."""
        train, val, test = map(change, (self.train, self.val, self.test))
        return replace(self, train=train, val=val, test=test, notes=(*self.notes, *notes))

    def _require_split(self, name: str, split: Split) -> None:
        where = f"{self.name}, {name} split"
        if not len(split):
            raise DataError(
                f"{where}: expected at least one image, received none.",
                "Where a dataset has no images for validation or test, they are taken from those "
                "for training: it needs at least three.",
            )
        if split.images.shape[1:] != self.input_shape:
            raise DataError(
                f"{where}: expected images of {format_shape(self.input_shape)} as in the training "
                f"split, received {format_shape(split.images.shape[1:])}."
            )
        require_classes(split.labels, len(self.classes), where)


def require_classes(labels: NDArray[np.integer], classes: int, where: str) -> None:
    """Refuse labels outside ``0 .. classes - 1``.

    Raises:
        DataError: The message gives the first label outside, and its index.
    """
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        index = int(outside.argmax())
        raise DataError(
            f"{where}: expected labels from 0 to {classes - 1}, "
            f"received {int(labels[index])} at image {index}."
        )


def _require_images(images: Images) -> None:
    if len(images.shape) != 4 or not math.prod(images.shape[1:]):
        raise DataError(f"Images: expected the shape (N, C, H, W), received {images.shape}.")
    if images.dtype not in (np.uint8, np.float32):
        raise DataError(f"Images: expected uint8 or float32, received {images.dtype}.")
    if images.dtype == np.float32:
        _require_finite(images)


def _require_finite(images: Images) -> None:
    for start in range(0, len(images), _CHUNK):
        finite = np.isfinite(images[start : start + _CHUNK]).all(axis=(1, 2, 3))
        if not finite.all():
            index = start + int(finite.argmin())
            raise DataError(
                f"Images: expected finite numbers, received NaN or infinity in image {index}.",
                "Remove or repair that image.",
            )


def _require_labels(labels: NDArray[np.generic], images: int) -> None:
    if labels.dtype != np.int64:
        raise DataError(f"Labels: expected int64, received {labels.dtype}.")
    if labels.shape != (images,):
        raise DataError(
            f"Labels: expected one for each of the {images:,} images, received {labels.shape}."
        )


_SEED = 0
"""Seed of every split, so that the same images always validate and test."""


def stratified_order(labels: NDArray[np.int64], seed: int = _SEED) -> NDArray[np.int64]:
    """A random order of the indices ``(N,)`` with evenly interleaved classes.

    Any slice has the class proportions of the whole, to within one or two images: cutting the
    order anywhere gives stratified splits of exactly the wanted sizes.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    position = (rank + 0.5) / np.repeat(counts, counts)
    return by_class[np.argsort(position, kind="stable")]


def hold_out(images: Pixels, labels: NDArray[np.int64], count: int) -> tuple[Split, Split]:
    """Training split and a stratified split of ``count`` images, both views of the arrays given.

    The held-out images are swapped with the last ones in place, so the pixels are never copied.
    """
    kept = len(labels) - count
    held = np.zeros(len(labels), bool)
    held[stratified_order(labels)[:count]] = True
    early = np.flatnonzero(held[:kept])
    late = kept + np.flatnonzero(~held[kept:])
    for array in (images, labels):
        array[early], array[late] = array[late], array[early]
    return Split(images[:kept], labels[:kept]), Split(images[kept:], labels[kept:])


def share(count: int, parts: int) -> int:
    """One in ``parts`` of ``count`` images, and at least one."""
    return max(1, count // parts)
