"""One number added to each channel."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import ChannelSums, Kernel, as_rows
from cnn_tui.engine.ops.memory import Array, Memory


class BiasKernel(Kernel):
    """Adds one number to each channel; ``y`` may be ``x``."""

    def __init__(self, x: Array, y: Array, bias: Array, dbias: Array) -> None:
        self.x, self.y = x, y
        self.bias = bias.reshape(1, -1, 1, 1)
        self.dbias = dbias

    def forward(self) -> None:
        np.add(self.x, self.bias, out=self.y)

    def plan_backward(
        self, dy: Array, memory: Memory, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        self.dy = self.dx = dy
        self.dy_rows, self.channels = as_rows(dy), ChannelSums(dy)

    def backward(self) -> None:
        self.dbias[:] = self.channels.of(self.dy_rows)
