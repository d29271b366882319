"""Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3)."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import InPlaceKernel
from cnn_tui.engine.ops.memory import Array, Memory
from cnn_tui.engine.specs.layers import LRN


class LRNKernel(InPlaceKernel):
    """``y = x * (k + alpha * sum of x**2 over size neighbouring channels) ** -beta``.

    ``alpha`` is the paper's; PyTorch and Caffe divide theirs by ``size``.
    """

    def __init__(self, x: Array, y: Array, memory: Memory, layer: LRN) -> None:
        self.x, self.y = x, y
        self.size, self.alpha, self.beta, self.k = layer.size, layer.alpha, layer.beta, layer.k
        self.base, self.power = memory.keep(x.shape), memory.keep(x.shape)

    def _neighbours(self, values: Array, before: int) -> Array:
        """Sums over a window of channels that reaches ``before`` channels back."""
        channels = values.shape[1]
        total = np.zeros_like(values)
        for offset in range(-before, self.size - before):
            low, high = max(0, -offset), min(channels, channels - offset)
            if low < high:
                total[:, low:high] += values[:, low + offset : high + offset]
        return total

    def forward(self) -> None:
        np.multiply(self._neighbours(self.x * self.x, self.size // 2), self.alpha, out=self.base)
        np.add(self.base, self.k, out=self.base)
        np.exp(np.log(self.base) * -self.beta, out=self.power)
        np.multiply(self.x, self.power, out=self.y)

    def backward(self) -> None:
        shared = self.dy * self.x * self.power / self.base
        spread = self._neighbours(shared, self.size - 1 - self.size // 2)
        direct = self.dy * self.power
        np.subtract(direct, 2 * self.alpha * self.beta * self.x * spread, out=self.dx)
