"""Mean and standard-deviation normalisation. Notes, Setting up the data, Data Preprocessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Split

_CHUNK = 256
"""Images summed together in float64: small enough to stay in the cache."""


@dataclass(frozen=True, eq=False)
class Normalizer:
    """Zero mean and unit variance per channel, ``mean`` and ``std`` of ``(C, 1, 1)``, float32."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def fit(cls, train: Split) -> Normalizer:
        """Measure the training split; what is held back must not leak into the figures.

        A channel that is the same everywhere gets a deviation of 1 and so becomes zero.
        """
        pixels = train.images.size // train.images.shape[1]
        mean = sum(chunk.sum(axis=(0, 2, 3)) for chunk in _chunks(train.images)) / pixels
        mean = np.reshape(mean, (-1, 1, 1))
        variance = sum(_squares(chunk - mean) for chunk in _chunks(train.images)) / pixels
        std = np.sqrt(np.reshape(variance, (-1, 1, 1)))
        return cls(mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32))

    def apply(self, images: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
        """Images ``(N, C, H, W)`` less the mean, over the deviation, as new float32."""
        normalized = np.subtract(images, self.mean, dtype=np.float32)
        normalized /= self.std
        return normalized


def _chunks(images: NDArray[np.uint8] | NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    for start in range(0, len(images), _CHUNK):
        yield images[start : start + _CHUNK].astype(np.float64)


def _squares(chunk: NDArray[np.float64]) -> NDArray[np.float64]:
    channels: NDArray[np.float64] = np.einsum("nchw,nchw->c", chunk, chunk)
    return channels
