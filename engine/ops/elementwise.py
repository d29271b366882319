"""Bias, dropout, and the zero-padded shortcut of residual blocks (He et al. 2016)."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import ChannelSums, InPlaceKernel, Kernel, Mode, Shard, as_rows
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.rows import ChannelRow, whole_rows, wide_items


class BiasKernel(Kernel):
    """A bias added to each channel; ``y`` may be ``x``."""

    def __init__(self, x: Array, y: Array, bias: Array, dbias: Array, arena: Arena) -> None:
        self.x, self.y = x, y
        self.dbias = dbias
        # Halos get nothing added.
        self.wide = whole_rows(arena, x, y)
        bias = bias.reshape(1, -1, 1, 1)
        (self.row,) = ChannelRow.several((bias,), self.wide[0], arena)
        self.row.release(arena)
        if self.row.spread is bias:
            self.wide = [x, y]
        self.halo = (self.wide[0].shape[2] - x.shape[2]) // 2

    def forward(self) -> None:
        bias = self.row.filled()
        if self.halo:
            bias[:, :, : self.halo] = 0
            bias[:, :, -self.halo :] = 0
        x, y = self.wide
        np.add(x, bias, out=y)

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        self.dy = self.dx = dy
        self.dy_rows, self.channels = as_rows(dy), ChannelSums(dy)

    def backward(self) -> None:
        self.channels.into(self.dy_rows, self.dbias)


class DropoutKernel(InPlaceKernel):
    """Zeros with probability ``p``, the rest scaled by ``1/(1-p)``; the identity in evaluation.

    Srivastava et al. 2014, in the inverted form of the CS231n notes. The mask depends only on seed,
    layer, step and shard, so neither threads nor earlier layers change it.
    """

    def __init__(self, x: Array, y: Array, p: float, layer: int, mode: Mode, shard: Shard) -> None:
        self.x, self.y, self.p, self.layer = x, y, p, layer
        self.mode, self.shard = mode, shard.index
        shape = self.mask_shape(x)
        self.random, self.kept = np.empty(shape, np.float32), np.empty(shape, np.bool_)
        self.mask = shard.arena.allocate(shape)

    def mask_shape(self, x: Array) -> tuple[int, int, int, int]:
        """The shape of the mask: one number for each value."""
        height, channels, width, images = x.shape
        return height, channels, width, images

    def forward(self) -> None:
        if not self.mode.training:
            np.copyto(self.y, self.x)
            return
        key = [self.mode.seed, self.layer, self.mode.step, self.shard]
        generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))
        generator.random(out=self.random, dtype=np.float32)
        p = self.p if self.mode.dropout is None else self.mode.dropout
        np.greater_equal(self.random, p, out=self.kept)
        np.copyto(self.mask, self.kept)
        np.multiply(self.mask, 1 / (1 - p), out=self.mask)
        np.multiply(self.x, self.mask, out=self.y)

    def backward(self) -> None:
        np.multiply(self.dy, self.mask if self.mode.training else 1, out=self.dx)


class StochasticDepthKernel(DropoutKernel):
    """A dropout of whole images (Huang et al. 2016)."""

    def mask_shape(self, x: Array) -> tuple[int, int, int, int]:
        """The shape of the mask: one number for each image."""
        return 1, 1, 1, x.shape[3]


class ZeroPadKernel(Kernel):
    """Every ``stride``-th pixel, with channels of zeros appended (option A of the paper)."""

    def __init__(self, x: Array, y: Array, stride: int) -> None:
        self.x, self.y = x, y
        self.channels = x.shape[1]
        self.pixels = (slice(None, None, stride), slice(None), slice(None, None, stride))

    def forward(self) -> None:
        np.copyto(wide_items(self.y[:, : self.channels]), wide_items(self.x[self.pixels]))
        self.y[:, self.channels :] = 0

    def backward(self) -> None:
        if self.dx is not None:
            self.dx.fill(0)
            kept = self.dy[:, : self.channels]
            np.copyto(wide_items(self.dx[self.pixels]), wide_items(kept))
