"""Scores that order training images by their distance from a test image, for many at once.

A screen may be off by a little, and says by how much at most: whoever uses it computes the exact
distances of the best few and knows whether any other could have been among them.
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
    """Images of one or more splits, one after another, as ``(N, D)``; perhaps a choice of them.

    Args:
        parts: Images ``(n, C, H, W)`` of the same shape.
        chosen: Which of all of them these are, ``(N,)``.
    """

    def __init__(self, *parts: Images, chosen: NDArray[np.int64] | None = None) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])
        self._chosen = np.arange(self._starts[-1]) if chosen is None else chosen
        self.width = int(np.prod(parts[0].shape[1:]))

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._chosen)

    def block(self, start: int, stop: int) -> Matrix:
        """The rows from ``start`` up to ``stop``."""
        return self._gather(self._chosen[start:stop])

    def take(self, indices: NDArray[np.int64]) -> Matrix:
        """The rows of these indices, in their order."""
        return self._gather(self._chosen[indices])

    def _gather(self, places: NDArray[np.int64]) -> Matrix:
        rows = np.empty((len(places), self.width), self._parts[0].dtype)
        for part, start, stop in zip(self._parts, self._starts, self._starts[1:], strict=False):
            inside = (places >= start) & (places < stop)
            if inside.any():
                images = part[places[inside] - start]
                rows[inside] = images.reshape(len(images), -1)
        return rows


Metric = Literal["l1", "l2"]
Scores = NDArray[np.float32] | NDArray[np.float64]

_UNIT = 2.0**-24
"""Rounding error of float32, relative (Higham, Accuracy and Stability, 2002, section 2.1)."""


class TrainingRows(NamedTuple):
    """Training rows made ready once for all test rows."""

    rows: Matrix
    half_squares: NDArray[np.float32]
    """Of the rows, ``(n,)``; empty where they are not needed."""


class Screen(Protocol):
    """One way to measure distance."""

    def prepare(self, rows: Matrix) -> TrainingRows:
        """Training rows made ready."""

    def ready(self, rows: Matrix) -> Matrix:
        """Test rows made ready."""

    def scores(self, rows: Matrix, block: TrainingRows) -> Scores:
        """``(test rows, training rows)``, the smaller the nearer."""

    def exact(self, row: Matrix, others: Matrix) -> NDArray[np.float64]:
        """Distances of ``others`` from one row as given; L2 distances are squared."""

    def score_of(self, row: Matrix, distance: float) -> float:
        """The score, free of rounding, of an exact distance from a row as given."""

    def error(self, row: Matrix) -> float:
        """Most that any score of a row as given may be off, among all rows prepared so far."""


def screen_for(metric: Metric, rows: Matrix) -> Screen:
    """The screen of a metric for data of which ``rows`` are a sample."""
    return _Squares(rows) if metric == "l2" else _Absolutes()


class _Squares:
    """L2: ``|x - t|^2 = |x|^2 - 2 (x.t - |t|^2 / 2)``, so that a matrix product does the work.

    Bytes are centred on a whole number first, which costs no accuracy and makes the sums small.
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
        """Of a sum of ``D`` products in any order (Higham, section 3.1), and of two roundings."""
        width = row.shape[-1]
        square = self._square(row)
        product = width * _UNIT / (1 - width * _UNIT) * math.sqrt(square) * self._longest
        return float(product + 2 * _UNIT * (self._longest**2 + square))

    def _square(self, row: Matrix) -> float:
        centred = row.astype(np.float64) - float(self._centre)
        return float(centred @ centred)


class _Absolutes:
    """L1, straight; whole numbers of bytes as they are, so nothing is ever off."""

    def prepare(self, rows: Matrix) -> TrainingRows:
        return TrainingRows(rows, np.empty(0, np.float32))

    def ready(self, rows: Matrix) -> Matrix:
        return rows

    def scores(self, rows: Matrix, block: TrainingRows) -> Scores:
        return np.stack([self.exact(row, block.rows) for row in rows])

    def exact(self, row: Matrix, others: Matrix) -> NDArray[np.float64]:
        if others.dtype == np.uint8:
            # A byte holds the difference of two only if the smaller one is taken off.
            gaps = np.maximum(others, row) - np.minimum(others, row)
            whole: NDArray[np.float64] = gaps.sum(axis=1, dtype=np.uint32).astype(np.float64)
            return whole
        sums: NDArray[np.float64] = np.abs(others.astype(np.float64) - row).sum(axis=1)
        return sums

    def score_of(self, row: Matrix, distance: float) -> float:
        return distance

    def error(self, row: Matrix) -> float:
        return 0.0
