"""Mean and covariance of the patches that a convolution reads, estimated from a sample."""

from __future__ import annotations

import math

import numpy as np

from cnn_tui.engine.insight.weights import Floats
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.shapes import output_size
from cnn_tui.engine.specs.layers import Conv
from cnn_tui.engine.specs.windows import windows

MOST_SIZE = 1_200
"""Weights of a filter up to which its patches are measured: their covariance has the square."""
_PER_WEIGHT, _LEAST = 4, 2_000


def sample_size(size: int) -> int:
    """Patches that are enough for filters of ``size`` weights."""
    return max(_LEAST, _PER_WEIGHT * size)


class PatchMoments:
    """Sums over patches ``(P, groups, n)`` of a layer, in float64."""

    def __init__(self, layer: Conv, channels: int) -> None:
        self.layer = layer
        size = channels // layer.groups * math.prod(w.kernel for w in windows(layer))
        self.count = 0
        self.sums = np.zeros((layer.groups, size))
        self.products = np.zeros((layer.groups, size, size))

    def add(self, inputs: Array, count: int, rng: np.random.Generator) -> None:
        """Add ``count`` patches at random places of ``inputs (N, C, H, W)``."""
        patches = random_patches(self.layer, inputs, count, rng)
        rows = patches.reshape(count, self.layer.groups, -1).transpose(1, 0, 2).astype(np.float64)
        self.count += count
        self.sums += rows.sum(axis=1)
        self.products += rows.transpose(0, 2, 1) @ rows

    def covariances(self) -> Floats:
        """The covariance of the patches of each group, ``(groups, n, n)``."""
        means = self.sums / max(1, self.count)
        return self.products / max(1, self.count) - means[:, :, None] * means[:, None, :]


def random_patches(layer: Conv, inputs: Array, count: int, rng: np.random.Generator) -> Array:
    """Patches ``(count, C, KH, KW)`` at random places at which the layer's filters are applied."""
    down, across = windows(layer)
    height, width = inputs.shape[2:]
    padded = np.pad(inputs, ((0, 0), (0, 0), (down.padding,) * 2, (across.padding,) * 2))
    image = rng.integers(0, len(inputs), count)
    top = rng.integers(0, output_size(height, down), count) * down.stride
    left = rng.integers(0, output_size(width, across), count) * across.stride
    patches = np.empty((count, inputs.shape[1], down.kernel, across.kernel), inputs.dtype)
    for row in range(down.kernel):
        for column in range(across.kernel):
            y, x = top + row * down.dilation, left + column * across.dilation
            patches[:, :, row, column] = padded[image, :, y, x]
    return patches
