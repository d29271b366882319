"""The maps of a layer over many images: their range, how often they respond, how alike they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.weights import Floats
from cnn_tui.engine.ops.memory import Array


class ResponseMoments:
    """Sums over images and positions of the maps of one layer; memory ``(F, F)``."""

    def __init__(self, filters: int) -> None:
        self.count = 0
        self.low = np.full(filters, np.inf)
        self.high = np.full(filters, -np.inf)
        self.active = np.zeros(filters)
        """Number of values above zero."""
        self._shift: Array | None = None
        self._sums = np.zeros(filters)
        self._products = np.zeros((filters, filters))

    def add(self, maps: Array) -> None:
        """Add maps ``(N, F, H, W)``."""
        rows = np.ascontiguousarray(maps.transpose(1, 0, 2, 3)).reshape(maps.shape[1], -1)
        self.low = np.minimum(self.low, rows.min(axis=1))
        self.high = np.maximum(self.high, rows.max(axis=1))
        self.active += np.count_nonzero(rows > 0, axis=1)
        self.count += rows.shape[1]
        if self._shift is None:
            # Numbers near zero keep the digits of the sums of products.
            self._shift = rows.mean(axis=1, keepdims=True)
        rows -= self._shift
        self._sums += rows.sum(axis=1, dtype=np.float64)
        self._products += rows @ rows.T

    @property
    def scale(self) -> float:
        """The usual range of the values of a filter."""
        ranges = self.high - self.low
        return float(np.median(ranges[ranges > 0])) if (ranges > 0).any() else 0.0

    @property
    def share_active(self) -> Floats:
        """Share of values above zero of each filter, 0 to 1."""
        return self.active / max(1, self.count)

    def correlations(self) -> Floats:
        """The correlation of every pair of filters, ``(F, F)``; 0 where one is constant."""
        means = self._sums / max(1, self.count)
        covariance = self._products / max(1, self.count) - np.outer(means, means)
        spread = np.sqrt(np.maximum(covariance.diagonal(), 0))
        spread[self.high <= self.low] = 0
        norms = np.outer(spread, spread)
        ratio: Floats = np.divide(covariance, norms, out=np.zeros_like(norms), where=norms > 0)
        return np.clip(ratio, -1, 1)

    def constant(self, tolerance: float, scale: float) -> NDArray[np.bool_]:
        """Which filters give one number, to within ``tolerance`` of ``scale`` and of the number."""
        size = np.maximum(scale, np.maximum(np.abs(self.low), np.abs(self.high)))
        found: NDArray[np.bool_] = self.high - self.low <= tolerance * size
        return found
