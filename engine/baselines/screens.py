"""Approximate distances between many test and training images, with error bounds.

A screen gives scores that order training images by distance, and a bound on their error: the caller
computes the exact distances of the best few and then knows whether another image could be nearer.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Images

Matrix = NDArray[Any]
"""``(n, D)``, uint8 or float32."""


class Rows:
    """Images of one or more splits as rows ``(N, D)``, read block by block without a copy.

    Args:
        parts: Images ``(n, C, H, W)`` of the same shape.
        chosen: Indices of the selected images, ``(N,)``; None selects all.
    """

    def __init__(self, *parts: Images, chosen: NDArray[np.int64] | None = None) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])
        self._chosen = np.arange(self._starts[-1]) if chosen is None else chosen
        self.width = int(np.prod(parts[0].shape[1:]))

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._chosen)

    def block(self, start: int, stop: int) -> Matrix:
        """The rows from ``start`` up to ``stop``."""
        return self._gather(self._chosen[start:stop])

    def take(self, indices: NDArray[np.int64]) -> Matrix:
        """The rows at ``indices``, in that order."""
        return self._gather(self._chosen[indices])

    def _gather(self, indices: NDArray[np.int64]) -> Matrix:
        rows = np.empty((len(indices), self.width), self._parts[0].dtype)
        for part, start, stop in zip(self._parts, self._starts, self._starts[1:], strict=False):
            inside = (indices >= start) & (indices < stop)
            if inside.any():
                images = part[indices[inside] - start]
                rows[inside] = images.reshape(len(images), -1)
        return rows


Metric = Literal["l1", "l2"]
Scores = NDArray[np.float32] | NDArray[np.float64]

_UNIT = 2.0**-24
"""Rounding error of float32, relative (Higham, Accuracy and Stability, 2002, section 2.1)."""


class TrainingRows(NamedTuple):
    """A block of training rows, prepared once for all test rows."""

    rows: Matrix
    half_squares: NDArray[np.float32]
    """Half the squared norm of each row, ``(n,)``; empty if not needed."""


class Screen(Protocol):
    """Scores and exact distances of one metric."""

    def prepare(self, rows: Matrix) -> TrainingRows:
        """Prepare a block of training rows."""

    def ready(self, rows: Matrix) -> Matrix:
        """Prepare a block of test rows."""

    def scores(self, rows: Matrix, block: TrainingRows) -> Scores:
        """Scores ``(test rows, training rows)``; smaller is nearer."""

    def exact(self, row: Matrix, others: Matrix) -> NDArray[np.float64]:
        """Exact distances of ``others`` from an unprepared row; L2 distances are squared."""

    def score_of(self, row: Matrix, distance: float) -> float:
        """The exact score of an exact distance from an unprepared row."""

    def error(self, row: Matrix) -> float:
        """Largest error of any score of an unprepared row, over all blocks prepared so far."""


def screen_for(metric: Metric, rows: Matrix) -> Screen:
    """The screen of a metric; ``rows`` is a sample of the data."""
    return _Squares(rows) if metric == "l2" else _Absolutes()


class _Squares:
    """L2 by a matrix product: ``|x - t|^2 = |x|^2 - 2 (x.t - |t|^2 / 2)``.

    Bytes are first centred on an integer, which is exact and keeps the sums small.
    """

    def __init__(self, sample: Matrix) -> None:
        whole = sample.dtype == np.uint8
        self._centre = np.float32(np.rint(sample.mean())) if whole else np.float32(0)
        self._longest = 0.0

    def prepare(self, rows: Matrix) -> TrainingRows:
        centred = self.ready(rows)
        squares = np.einsum("nd,nd->n", centred, centred, dtype=np.float64)
        self._longest = max(self._longest, float(squares.max(initial=0.0)) ** 0.5)
        return TrainingRows(centred, (squares / 2).astype(np.float32))

    def ready(self, rows: Matrix) -> Matrix:
        return np.subtract(rows, self._centre, dtype=np.float32)

    def scores(self, rows: Matrix, block: TrainingRows) -> Scores:
        products: NDArray[np.float32] = rows @ block.rows.T
        return np.subtract(block.half_squares, products, out=products)

    def exact(self, row: Matrix, others: Matrix) -> NDArray[np.float64]:
        gaps = others.astype(np.float64) - row
        squares: NDArray[np.float64] = np.einsum("nd,nd->n", gaps, gaps)
        return squares

    def score_of(self, row: Matrix, distance: float) -> float:
        return float(distance - self._square(row)) / 2

    def error(self, row: Matrix) -> float:
        """Bound of a sum of ``D`` products in any order (Higham, section 3.1) and two roundings."""
        width = row.shape[-1]
        square = self._square(row)
        product = width * _UNIT / (1 - width * _UNIT) * math.sqrt(square) * self._longest
        return float(product + 2 * _UNIT * (self._longest**2 + square))

    def _square(self, row: Matrix) -> float:
        centred = row.astype(np.float64) - float(self._centre)
        return float(centred @ centred)


class _Absolutes:
    """L1, computed exactly: the scores are the distances."""

    def prepare(self, rows: Matrix) -> TrainingRows:
        return TrainingRows(rows, np.empty(0, np.float32))

    def ready(self, rows: Matrix) -> Matrix:
        return rows

    def scores(self, rows: Matrix, block: TrainingRows) -> Scores:
        return np.stack([self.exact(row, block.rows) for row in rows])

    def exact(self, row: Matrix, others: Matrix) -> NDArray[np.float64]:
        if others.dtype == np.uint8:
            # A byte can hold a difference only if the smaller value is subtracted.
            gaps = np.maximum(others, row) - np.minimum(others, row)
            whole: NDArray[np.float64] = gaps.sum(axis=1, dtype=np.uint32).astype(np.float64)
            return whole
        sums: NDArray[np.float64] = np.abs(others.astype(np.float64) - row).sum(axis=1)
        return sums

    def score_of(self, row: Matrix, distance: float) -> float:
        return distance

    def error(self, row: Matrix) -> float:
        return 0.0
