"""Elementwise non-linearities and their gradients."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import InPlaceKernel, row_blocks
from cnn_tui.engine.ops.memory import Array, Memory


class ReLUKernel(InPlaceKernel):
    """``y = max(0, x)``; ``y`` may be ``x``."""

    def __init__(self, x: Array, y: Array) -> None:
        self.x, self.y = x, y

    def forward(self) -> None:
        np.maximum(self.x, 0, out=self.y)

    def bind_backward(self, dy: Array, memory: Memory, *, need_dx: bool, own_dy: bool) -> None:
        super().bind_backward(dy, memory, need_dx=need_dx, own_dy=own_dy)
        self.blocks = [] if self.dx is None else row_blocks(self.y, self.dy, self.dx)
        if self.blocks:
            self.positive = memory.scratch_mask(self.blocks[0][0].shape)

    def backward(self) -> None:
        for y, dy, dx in self.blocks:
            positive = self.positive[: len(y)]
            np.greater(y, 0, out=positive)
            np.multiply(dy, positive, out=dx)


class LeakyReLUKernel(InPlaceKernel):
    """``y = max(x, slope * x)`` for a slope from 0 to 1 (Maas et al. 2013)."""

    def __init__(self, x: Array, y: Array, slope: float) -> None:
        self.x, self.y = x, y
        self.slope = x.dtype.type(slope)

    def forward(self) -> None:
        np.multiply(self.x, self.slope, out=self.y)
        np.maximum(self.x, self.y, out=self.y)

    def backward(self) -> None:
        np.multiply(self.dy, np.where(self.x > 0, 1, self.slope), out=self.dx)


class SigmoidKernel(InPlaceKernel):
    """``y = 1 / (1 + exp(-x))``, as ``(1 + tanh(x / 2)) / 2``, which never overflows."""

    def __init__(self, x: Array, y: Array) -> None:
        self.x, self.y = x, y

    def forward(self) -> None:
        np.multiply(self.x, 0.5, out=self.y)
        np.tanh(self.y, out=self.y)
        np.multiply(self.y, 0.5, out=self.y)
        np.add(self.y, 0.5, out=self.y)

    def backward(self) -> None:
        np.multiply(self.dy, self.y * (1 - self.y), out=self.dx)


class TanhKernel(InPlaceKernel):
    """``y = tanh(x)``."""

    def __init__(self, x: Array, y: Array) -> None:
        self.x, self.y = x, y

    def forward(self) -> None:
        np.tanh(self.x, out=self.y)

    def backward(self) -> None:
        np.multiply(self.dy, 1 - self.y * self.y, out=self.dx)
