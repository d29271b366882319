"""Fully connected layers: ``y = weight @ x + bias``."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel, as_rows
from cnn_tui.engine.ops.memory import Arena, Array


class FlattenKernel(Kernel):
    """Flattening of ``(H, C, W, N)`` to ``(1, C*H*W, 1, N)``, the features in PyTorch's order."""

    def __init__(self, x: Array, y: Array) -> None:
        self.x, self.y = x, y
        self.source = x.transpose(1, 0, 2, 3)
        self.target = y.reshape(self.source.shape)

    def forward(self) -> None:
        np.copyto(self.target, self.source)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        if dx is not None:
            self.dtarget = dy.reshape(self.source.shape)

    def backward(self) -> None:
        if self.dx is not None:
            np.copyto(self.dx.transpose(1, 0, 2, 3), self.dtarget)


class LinearKernel(Kernel):
    """The product ``y (1, F, 1, N)`` of ``weight (F, D)`` and ``x (1, D, 1, N)``."""

    def __init__(self, x: Array, y: Array, weight: Array, dweight: Array) -> None:
        self.x, self.y, self.weight, self.dweight = x, y, weight, dweight
        (self.inputs,), (self.outputs,) = as_rows(x), as_rows(y)

    def forward(self) -> None:
        np.matmul(self.weight, self.inputs, out=self.outputs)

    def backward(self) -> None:
        (dy,) = as_rows(self.dy)
        np.matmul(dy, self.inputs.T, out=self.dweight)
        if self.dx is not None:
            (dx,) = as_rows(self.dx)
            np.matmul(self.weight.T, dy, out=dx)
