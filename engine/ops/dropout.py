"""Dropout, seeded so that neither threads nor earlier layers change the masks."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import InPlaceKernel, Mode, Shard
from cnn_tui.engine.ops.memory import Array


class DropoutKernel(InPlaceKernel):
    """Zeroes with probability ``p`` and scales the rest by ``1/(1-p)``; the identity in evaluation.

    Srivastava et al. 2014, in the inverted form of the CS231n notes. The mask of a step depends on
    seed, layer, step and shard alone.
    """

    def __init__(self, x: Array, y: Array, p: float, layer: int, mode: Mode, shard: Shard) -> None:
        self.x, self.y, self.p, self.layer = x, y, p, layer
        self.mode, self.shard = mode, shard.index
        self.random = np.empty(x.shape, np.float32)
        self.mask = shard.memory.keep(x.shape)

    def forward(self) -> None:
        if not self.mode.training:
            np.copyto(self.y, self.x)
            return
        key = [self.mode.seed, self.layer, self.mode.step, self.shard]
        generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))
        generator.random(out=self.random, dtype=np.float32)
        p = self.p if self.mode.dropout is None else self.mode.dropout
        np.multiply(self.random >= p, 1 / (1 - p), out=self.mask)
        np.multiply(self.x, self.mask, out=self.y)

    def backward(self) -> None:
        np.multiply(self.dy, self.mask, out=self.dx)
