"""Measures of filters by their weights alone: likeness, roughness and effective rank."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.memory import Array

Floats = NDArray[np.float64]

LEAST_SIDE = 3
"""Kernels whose longer side is below this have no space in which to be smooth or rough."""


def flat(weight: Array) -> Floats:
    """The filters of a layer as rows, ``(F, C*KH*KW)``, in float64."""
    return weight.reshape(len(weight), -1).astype(np.float64)


def unit(rows: Floats) -> Floats:
    """Rows of length one; a row of zeros stays as it is."""
    # By the largest value first, since squares of tiny or huge weights leave the range.
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    scaled = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    units: Floats = np.divide(scaled, lengths, out=scaled, where=lengths > 0)
    return units


def cosines(weight: Array) -> Floats:
    """The cosine of the weights of every pair of filters, ``(F, F)``; 0 for a filter of zeros."""
    rows = unit(flat(weight))
    return np.clip(rows @ rows.T, -1, 1)


def effective_rank(weight: Array, groups: int = 1) -> float:
    """The number of dimensions that the filters span, weighted by how much they use each.

    It is exp of the entropy of the normalised singular values of the ``F x (C*KH*KW)`` matrix (Roy
    & Vetterli 2007). Filters of different groups see other channels: they share no dimension.
    """
    parts = np.split(flat(weight), groups)
    values = np.concatenate([np.linalg.svd(part, compute_uv=False) for part in parts])
    if not values.sum():
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(math.exp(-(shares * np.log(shares)).sum()))


def expected_roughness(kernel: tuple[int, int]) -> float:
    """The mean roughness of white noise: ``4(k - 1)/k`` for a square kernel."""
    return sum(2 * (side - 1) / side for side in kernel)


def roughness(weight: Array) -> Floats:
    """How rough each filter is beside white noise, ``(F,)``; about 1 is like noise.

    The sum over channels of squared differences of neighbours in both directions, of a filter of
    length one, divided by :func:`expected_roughness`. NaN for filters of zeros and for all of a
    layer of 1x1 or 2x2 kernels.
    """
    kernel = weight.shape[2:]
    if max(kernel) < LEAST_SIDE:
        return np.full(len(weight), np.nan)
    rows = unit(flat(weight)).reshape(weight.shape)
    steps = sum(np.square(np.diff(rows, axis=axis)).sum(axis=(1, 2, 3)) for axis in (2, 3))
    ratio: Floats = np.asarray(steps / expected_roughness(kernel))
    ratio[~rows.any(axis=(1, 2, 3))] = np.nan
    return ratio


def roughness_spread(weight: Array) -> float:
    """Standard deviation of the roughness ratio of white noise in filters of this size.

    The roughness is a quadratic form of a random direction, whose spread follows from its
    eigenvalues, those of the Laplacian of a grid.
    """
    down, across = (_path_eigenvalues(side) for side in weight.shape[2:])
    eigenvalues = np.add.outer(down, across)
    mean = float(eigenvalues.mean())
    return spread_on_sphere(float(eigenvalues.var()), weight[0].size) / mean if mean else 1.0


def spread_on_sphere(variance: float, size: int) -> float:
    """Standard deviation of a mean of numbers weighted by the squares of a random direction.

    Args:
        variance: that of the numbers.
        size: the dimension of the direction.
    """
    return math.sqrt(2 * variance / (size + 2))


def _path_eigenvalues(side: int) -> Floats:
    """Eigenvalues of the sum of squared differences along a row of ``side`` pixels."""
    return 2 - 2 * np.cos(np.pi * np.arange(side) / side)
