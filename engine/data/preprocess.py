"""Normalisation and augmentation of images.

Notes, Setting up the data, Data Preprocessing, and Preventing overfitting; Krizhevsky et al. 2012,
section 4.1; DeVries & Taylor 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Images, Pixels, Split
from cnn_tui.engine.specs.network import Recipe

_CHUNK = 64
"""Images per sum in float64: few enough to stay in the cache."""


@dataclass(frozen=True, eq=False)
class Normalizer:
    """Zero mean and unit variance per channel, ``mean`` and ``std`` of ``(C, 1, 1)``, float32."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def fit(cls, train: Split) -> Normalizer:
        """Measure the training split only, so that no other split leaks into training.

        A constant channel gets a deviation of 1 and so becomes zero.
        """
        mean, variance = _mean_and_variance(train.images)
        std = np.sqrt(variance)
        return cls(mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32))

    @classmethod
    def of(cls, train: Split, training: Recipe) -> Normalizer:
        """The normaliser that a recipe asks for: measured, or the identity."""
        if training.normalize:
            return cls.fit(train)
        like = (train.images.shape[1], 1, 1)
        return cls(np.zeros(like, np.float32), np.ones(like, np.float32))

    def apply(self, images: Pixels) -> NDArray[np.float32]:
        """Subtract the mean and divide by the deviation: ``(N, C, H, W)``, a new float32 array."""
        normalized = np.subtract(images, self.mean, dtype=np.float32)
        normalized /= self.std
        return normalized


def _mean_and_variance(images: Images) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance per channel, ``(C, 1, 1)`` each."""
    count, channels, height, width = images.shape
    pixels = count * height * width
    first, second = _moments(images, np.zeros((channels, 1, 1))) / pixels
    if images.dtype != np.uint8:
        # Sums of bytes and of their squares are exact; those of floats need a second pass.
        _, second = _moments(images, first) / pixels
        return first, second
    return first, second - first * first


def _moments(images: Images, about: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of the pixels' differences from ``about`` and of their squares, ``(2, C, 1, 1)``."""
    sums = np.zeros((2, *about.shape))
    for start in range(0, len(images), _CHUNK):
        pixels = images[start : start + _CHUNK].astype(np.float64)
        pixels -= about
        sums[0, :, 0, 0] += pixels.sum(axis=(0, 2, 3))
        sums[1, :, 0, 0] += np.einsum("nchw,nchw->c", pixels, pixels)
    return sums


@dataclass(frozen=True)
class Augmenter:
    """Random flips, shifts and cutouts of normalised images; blank pixels get 0, the mean.

    Args:
        flip: Mirror an image horizontally with probability 1/2.
        shift: Largest shift in pixels, vertically and horizontally.
        cutout: Side of the blanked square in pixels; its centre may be at any pixel.
    """

    flip: bool = False
    shift: int = 0
    cutout: int = 0

    @classmethod
    def of(cls, training: Recipe) -> Augmenter:
        """The augmenter that a recipe asks for."""
        return cls(training.flip, training.shift, training.cutout)

    def apply(self, images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Change each image ``(N, C, H, W)`` at random; the given array may be reused."""
        if self.flip:
            mirrored = rng.random(len(images)) < 0.5
            images[mirrored] = images[mirrored, :, :, ::-1]
        if self.shift:
            images = _moved(images, self.shift, rng)
        if self.cutout:
            _blank(images, self.cutout, rng)
        return images


def _moved(images: NDArray[np.float32], most: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Copies of the images, each shifted at random on a blank ground."""
    height, width = images.shape[2:]
    down, right = rng.integers(-most, most + 1, (2, len(images))).tolist()
    moved = np.zeros_like(images)
    for image, target, dy, dx in zip(images, moved, down, right, strict=True):
        to_y, from_y = _overlap(dy, height)
        to_x, from_x = _overlap(dx, width)
        target[:, to_y, to_x] = image[:, from_y, from_x]
    return moved


def _overlap(move: int, side: int) -> tuple[slice, slice]:
    """Target and source slice of one axis after a shift."""
    move = max(-side, min(move, side))
    if move < 0:
        return slice(0, side + move), slice(-move, side)
    return slice(move, side), slice(0, side - move)


def _blank(images: NDArray[np.float32], side: int, rng: np.random.Generator) -> None:
    height, width = images.shape[2:]
    tops = rng.integers(0, height, len(images)) - side // 2
    lefts = rng.integers(0, width, len(images)) - side // 2
    for image, top, left in zip(images, tops.tolist(), lefts.tolist(), strict=True):
        image[:, max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = 0
