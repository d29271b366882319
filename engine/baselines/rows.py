"""Images as rows of pixels, block by block, so that no second copy of a set is ever made."""

from __future__ import annotations

from typing import Any

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
