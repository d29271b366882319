"""Batch normalisation over shards (Ioffe & Szegedy 2015)."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from cnn_tui.engine.ops.kernel import InPlaceKernel, Mode, row_blocks
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.rows import ChannelRow, PairSums, whole_rows


class ChannelParameter(Protocol):
    """A per-channel parameter and its gradient, each ``(C,)``."""

    storage: Array
    storage_grad: Array


class BatchStatistics:
    """Mean and variance per channel of the whole batch, and the sums of the backward pass.

    Each shard writes its own row of sums; the rows are added in the order of the shards in float64.
    The variance from sums of squares is exact to about 1e-7 * (1 + mean**2 / variance), because
    the float32 sums cover a single row of one shard and the rest is done in float64.
    """

    def __init__(
        self,
        gamma: ChannelParameter,
        beta: ChannelParameter,
        running: tuple[Array, Array],
        eps: float,
        momentum: float,
        mode: Mode,
    ) -> None:
        self.gamma, self.beta = gamma.storage, beta.storage
        self.dgamma, self.dbeta = gamma.storage_grad, beta.storage_grad
        self.running_mean, self.running_var = running
        self.eps, self.momentum, self.mode = eps, momentum, mode
        self.count = 0
        self.sums: list[np.ndarray] = []
        """One ``(2, C)`` array per shard: sums of x and x*x forward, of dy and dy*x backward."""
        per_channel, dtype = (1, len(self.gamma), 1, 1), self.gamma.dtype
        self.scale, self.shift = (np.empty(per_channel, dtype) for _ in range(2))
        self.slope, self.offset = (np.empty(per_channel, dtype) for _ in range(2))

    def add_shard(self, x: Array) -> np.ndarray:
        """Register the shard of ``x``; returns the ``(2, C)`` sums that its kernel fills."""
        self.count += x.size // x.shape[1]
        self.sums.append(np.zeros((2, x.shape[1])))
        return self.sums[-1]

    def combine_forward(self) -> None:
        """Compute the coefficients of ``y = scale * x + shift`` from the sums."""
        if self.mode.training:
            total, squares = sum(self.sums[1:], start=self.sums[0].copy())
            self.mean = total / self.count
            variance = np.maximum(squares / self.count - self.mean**2, 0)
        else:
            self.mean, variance = self.running_mean.astype(float), self.running_var.astype(float)
        self.variance = variance
        self.inverse_std = 1 / np.sqrt(variance + self.eps)
        scale = self.gamma * self.inverse_std
        self.scale[0, :, 0, 0] = scale
        self.shift[0, :, 0, 0] = self.beta - self.mean * scale

    def commit(self) -> None:
        """Update the running statistics, after the step is known to be finite."""
        unbiased = self.variance * (self.count / max(1, self.count - 1))
        self.running_mean += self.momentum * (self.mean - self.running_mean)
        self.running_var += self.momentum * (unbiased - self.running_var)

    def combine_backward(self) -> None:
        """Compute the coefficients of ``dx = scale * dy + slope * x + offset`` from the sums."""
        dbeta, products = sum(self.sums[1:], start=self.sums[0].copy())
        dgamma = (products - self.mean * dbeta) * self.inverse_std
        self.dbeta[:], self.dgamma[:] = dbeta, dgamma
        if self.mode.training:
            scale = self.gamma * self.inverse_std
            slope = -scale * self.inverse_std * dgamma / self.count
            self.slope[0, :, 0, 0] = slope
            self.offset[0, :, 0, 0] = -scale * dbeta / self.count - slope * self.mean
        else:
            self.slope.fill(0)
            self.offset.fill(0)


class BatchNormKernel(InPlaceKernel):
    """One shard of a batch norm: its sums first, then its output from the sums of all shards."""

    def __init__(self, x: Array, y: Array, statistics: BatchStatistics, arena: Arena) -> None:
        self.x, self.y, self.statistics = x, y, statistics
        self.sums, self.moments = statistics.add_shard(x), PairSums(x, x)
        self.scale, self.shift = ChannelRow.several((statistics.scale, statistics.shift), x, arena)
        # A volume with a halo is written once, not twice.
        self.blocks = row_blocks(x, y)
        self.spare = None if y.flags.c_contiguous else arena.scratch(self.blocks[0][0].shape)
        self.scale.release(arena)
        self.shift.release(arena)
        self.zeros: Array | None = None
        """Zeros that broadcast to a block, if the kernel computes the ReLU that follows, too."""

    def sum_forward(self) -> None:
        """Compute the shard's sums of x and of x*x."""
        if self.statistics.mode.training:
            self.moments.into(self.sums)

    def forward(self) -> None:
        scale, shift = self.scale.filled(), self.shift.filled()
        for x, y in self.blocks:
            out = y if self.spare is None else self.spare[: len(x)]
            np.multiply(x, scale, out=out)
            np.add(out, shift, out=out)
            if self.zeros is not None:
                np.maximum(out, self.zeros, out=y)
            elif out is not y:
                np.copyto(y, out)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        self.products = PairSums(dy, self.x)
        if dx is None:
            return
        statistics = self.statistics
        # The halo of a gradient may be overwritten with anything.
        self.wide = whole_rows(arena, dy, dx)
        self.slope, self.offset = ChannelRow.several(
            (statistics.slope, statistics.offset), self.x, arena
        )
        (self.factor,) = ChannelRow.several((statistics.scale,), self.wide[0], arena)
        self.gradients = row_blocks(self.x, *self.wide, dx)
        self.term = arena.scratch(self.gradients[0][0].shape)
        for row in (self.slope, self.offset, self.factor):
            row.release(arena)

    def sum_backward(self) -> None:
        """Compute the shard's sums of dy and of dy*x."""
        self.products.into(self.sums)

    def backward(self) -> None:
        if self.dx is None:
            return
        slope, offset, factor = (row.filled() for row in (self.slope, self.offset, self.factor))
        for x, dy_wide, dx_wide, dx in self.gradients:
            term = self.term[: len(x)]
            np.multiply(x, slope, out=term)
            np.add(term, offset, out=term)
            np.multiply(dy_wide, factor, out=dx_wide)
            np.add(dx, term, out=dx)
