"""Normalisation of images. Notes, Setting up the data, Data Preprocessing."""

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
