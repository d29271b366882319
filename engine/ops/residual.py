"""The joins of a residual block (He et al. 2016)."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel
from cnn_tui.engine.ops.memory import Array, Memory


class ZeroPadKernel(Kernel):
    """Every ``stride``-th pixel, and channels of zeros behind those there are (option A)."""

    def __init__(self, x: Array, y: Array, stride: int) -> None:
        self.x, self.y = x, y
        self.channels = x.shape[1]
        self.pixels = (slice(None, None, stride), slice(None), slice(None, None, stride))

    def forward(self) -> None:
        self.y[:, : self.channels] = self.x[self.pixels]
        self.y[:, self.channels :] = 0

    def backward(self) -> None:
        if self.dx is not None:
            self.dx.fill(0)
            self.dx[self.pixels] = self.dy[:, : self.channels]


class AddKernel(Kernel):
    """``y = x + other``; its gradient is that of both."""

    def __init__(self, x: Array, other: Array, y: Array) -> None:
        self.x, self.other, self.y = x, other, y

    def forward(self) -> None:
        np.add(self.x, self.other, out=self.y)

    def plan_backward(
        self, dy: Array, memory: Memory, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        self.dy = self.dx = dy

    def backward(self) -> None:
        """Nothing to compute: both inputs read ``dy``."""
