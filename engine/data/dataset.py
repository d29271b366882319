"""Labelled images in three splits, checked once where they enter the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.flow import dims

_CHUNK = 1024
"""Images looked at together, so that checking a large split makes no large temporary."""


Pixels = NDArray[np.uint8] | NDArray[np.float32]
"""Images in memory, ``(N, C, H, W)``."""


class Images(Protocol):
    """What is asked of images ``(N, C, H, W)``: an array has it, and so may a file of them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, C, H, W)``."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels: uint8 or float32."""

    def __len__(self) -> int:
        """How many images there are."""

    def __getitem__(self, chosen: Any, /) -> Any:
        """The images of an array of indices or of a slice, in memory; of a number, one."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images ``(N, C, H, W)``, uint8 or finite float32, and their classes ``(N,)``, int64.

    Raises:
        DataError: An array has another type or shape, or holds NaN or infinity.
    """

    images: Images
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        _require_images(self.images)
        _require_labels(self.labels, len(self.images))

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.images)

    def first(self, count: int) -> Split:
        """The first images, of arrays no copy."""
        return Split(self.images[:count], self.labels[:count])

    def take(self, indices: NDArray[np.integer]) -> Split:
        """A copy of the images of these indices, in their order."""
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
    """What a person should be told of this copy of the data, in sentences."""

    def __post_init__(self) -> None:
        for part in ("train", "val", "test"):
            self._require_part(part, getattr(self, part))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    def _require_part(self, part: str, split: Split) -> None:
        where = f"{self.name}, {part} split"
        if not len(split):
            raise DataError(f"{where}: expected at least one image, received none.")
        if split.images.shape[1:] != self.input_shape:
            raise DataError(
                f"{where}: expected images of {dims(self.input_shape)} as in the training split, "
                f"received {dims(split.images.shape[1:])}."
            )
        require_classes(split.labels, len(self.classes), where)


def require_classes(labels: NDArray[np.integer], classes: int, where: str) -> None:
    """Refuse labels outside ``0 .. classes - 1``.

    Raises:
        DataError: With the first label that is outside, and its place.
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
"""Of every split that is drawn here: the same images always validate and test."""


def stratified_order(labels: NDArray[np.int64], seed: int = _SEED) -> NDArray[np.int64]:
    """A random order ``(N,)`` of the indices in which the classes are evenly interleaved.

    Any slice holds each class in its share of the whole, to within one or two images: cutting
    the order anywhere gives stratified parts of exactly the wanted sizes.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    place = (rank + 0.5) / np.repeat(counts, counts)
    return by_class[np.argsort(place, kind="stable")]


def hold_out(images: Pixels, labels: NDArray[np.int64], count: int) -> tuple[Split, Split]:
    """Training split and a stratified one of ``count`` images, both in the arrays given.

    The images held out change places with the last ones, so that no second copy of the pixels
    is ever made.
    """
    kept = len(labels) - count
    held = np.zeros(len(labels), bool)
    held[stratified_order(labels)[:count]] = True
    inside = np.flatnonzero(held[:kept])
    behind = kept + np.flatnonzero(~held[kept:])
    for array in (images, labels):
        array[inside], array[behind] = array[behind], array[inside]
    return Split(images[:kept], labels[:kept]), Split(images[kept:], labels[kept:])


def share(count: int, parts: int) -> int:
    """One image in ``parts``, and at least one."""
    return max(1, count // parts)
