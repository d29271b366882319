"""Local response normalisation (Krizhevsky et al. 2012)."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import InPlaceKernel, row_blocks
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.specs.layers import LRN


class LRNKernel(InPlaceKernel):
    """``y = x * (k + alpha * sum of x**2 over size neighbouring channels) ** -beta``.

    Krizhevsky et al. 2012, section 3.3, whose ``alpha`` PyTorch and Caffe divide by ``size``.
    """

    def __init__(self, x: Array, y: Array, arena: Arena, layer: LRN) -> None:
        self.x, self.y, self.layer = x, y, layer
        self.base, self.power = arena.allocate(x.shape), arena.allocate(x.shape)
        self.blocks = row_blocks(x, y, self.base, self.power)
        self.window = WindowSums(self.blocks[0][0].shape, layer.size, layer.size // 2, arena)

    def forward(self) -> None:
        layer = self.layer
        for x, y, base, power in self.blocks:
            np.multiply(x, x, out=self.window.values(len(x)))
            self.window.into(base)
            np.multiply(base, layer.alpha, out=base)
            np.add(base, layer.k, out=base)
            np.log(base, out=power)
            np.multiply(power, -layer.beta, out=power)
            np.exp(power, out=power)
            np.multiply(x, power, out=y)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        self.gradients: list[tuple[Array, ...]] = []
        if dx is None:
            return
        volumes = self.x, self.base, self.power, dy, dx
        self.gradients = row_blocks(*volumes)
        size, block = self.layer.size, self.gradients[0][0].shape
        spread = arena.acquire(block)
        self.back_window = WindowSums(block, size, size - 1 - size // 2, arena)
        self.spread = spread
        arena.release(spread)

    def backward(self) -> None:
        factor = -2 * self.layer.alpha * self.layer.beta
        for x, base, power, dy, dx in self.gradients:
            values, spread = self.back_window.values(len(x)), self.spread[: len(x)]
            np.multiply(x, power, out=values)
            np.multiply(values, dy, out=values)
            np.divide(values, base, out=values)
            self.back_window.into(spread)
            np.multiply(spread, x, out=spread)
            np.multiply(spread, factor, out=spread)
            np.multiply(dy, power, out=dx)
            np.add(dx, spread, out=dx)


class WindowSums:
    """Sums over windows of ``size`` channels that begin ``before`` channels earlier."""

    def __init__(self, block: tuple[int, ...], size: int, before: int, arena: Arena) -> None:
        rows, channels, width, images = block
        self.padded = arena.scratch((rows, channels + size - 1, width, images))
        self.size, self.inner = size, slice(before, before + channels)

    def values(self, rows: int) -> Array:
        """Where to write the values of a block."""
        return self.padded[:rows, self.inner]

    def into(self, out: Array) -> None:
        """Compute the sums of the values that have been written."""
        padded, channels = self.padded[: len(out)], out.shape[1]
        padded[:, : self.inner.start] = 0
        padded[:, self.inner.stop :] = 0
        np.copyto(out, padded[:, :channels])
        for offset in range(1, self.size):
            np.add(out, padded[:, offset : offset + channels], out=out)
