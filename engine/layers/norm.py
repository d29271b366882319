"""The batch normalisation layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnn_tui.engine.layers.base import ByShard, Op, PlannedOp, Stage, Task
from cnn_tui.engine.layers.building import Parts, Placed
from cnn_tui.engine.ops.kernel import Mode, Shard
from cnn_tui.engine.ops.memory import Array, Padding
from cnn_tui.engine.ops.norm import BatchNormKernel, BatchStatistics
from cnn_tui.engine.parameters import Parameter

Running = tuple[Array, Array]
"""Running mean and variance, each ``(C,)``."""


class BatchNormOp(Op):
    """Normalisation of each channel by the statistics of the whole batch."""

    def __init__(
        self,
        name: str,
        gamma: Parameter,
        beta: Parameter,
        running: Running,
        eps: float,
        momentum: float,
        mode: Mode,
    ) -> None:
        self.name, self.running, self.eps, self.momentum = name, running, eps, momentum
        self.gamma, self.beta, self.mode = gamma, beta, mode

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, halo: Padding
    ) -> PlannedOp:
        statistics = BatchStatistics(
            self.gamma, self.beta, self.running, self.eps, self.momentum, self.mode
        )
        return PlannedBatchNorm(xs, shards, statistics, halo)


class PlannedBatchNorm(ByShard):
    """A batch norm bound to a batch: sums by shard, then combined, then applied by shard."""

    kernels: Sequence[BatchNormKernel]

    def __init__(
        self, xs: list[Array], shards: list[Shard], statistics: BatchStatistics, halo: Padding
    ) -> None:
        kernels = [
            BatchNormKernel(x, shard.arena.allocate(x.shape, halo), statistics, shard.arena)
            for x, shard in zip(xs, shards, strict=True)
        ]
        super().__init__(kernels, shards)
        self.statistics = statistics
        for kernel, shard in zip(self.kernels, shards, strict=True):
            shard.arena.inherit_halo(kernel.y, kernel.x)
        self.forward = [
            Stage([kernel.sum_forward for kernel in self.kernels]),
            Stage([statistics.combine_forward], by_shard=False),
            *self.forward,
        ]

    def absorb_relu(self) -> bool:
        for kernel, shard in zip(self.kernels, self.shards, strict=True):
            kernel.zeros = shard.arena.zeros((1, *kernel.y.shape[1:]))
        return True

    @property
    def post_step(self) -> list[Task]:
        return [self.statistics.commit]

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        dxs = super().plan_backward(
            dys, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
        )
        self.backward = [
            Stage([kernel.sum_backward for kernel in self.kernels]),
            Stage([self.statistics.combine_backward], by_shard=False),
            *self.backward,
        ]
        return dxs


def batchnorm_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A batch norm with scales ``weight (C,)``, shifts ``bias (C,)`` and running statistics."""
    layer, name, channels = placed.layer, placed.name, placed.shape[0]
    gamma = Parameter(f"{name}.weight", (channels,), (0,), "gamma")
    beta = Parameter(f"{name}.bias", (channels,), (0,), "beta")
    parts.parameters += [gamma, beta]
    running = (np.zeros(channels, parts.dtype), np.ones(channels, parts.dtype))
    parts.buffers[f"{name}.running_mean"], parts.buffers[f"{name}.running_var"] = running
    return [BatchNormOp(name, gamma, beta, running, layer.eps, layer.momentum, parts.mode)]
