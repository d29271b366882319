"""The residual block: ``branch(x) + shortcut(x)`` (He et al. 2016)."""

from __future__ import annotations

from functools import partial

import numpy as np

from cnn_tui.engine.layers.base import (
    ByShard,
    Chain,
    Op,
    PlannedOp,
    ShardedOp,
    Stage,
    Task,
    wanted_halo,
)
from cnn_tui.engine.ops.elementwise import AddKernel, ZeroPadKernel
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array, Padding


class ZeroPadOp(ShardedOp):
    """A shortcut without parameters: subsampling and channels of zeros (option A)."""

    def __init__(self, name: str, channels: int, stride: int) -> None:
        self.name, self.channels, self.stride = name, channels, stride

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        height, _, width, images = x[:: self.stride, :, :: self.stride].shape
        y = shard.arena.allocate((height, self.channels, width, images))
        return ZeroPadKernel(x, y, self.stride)


class ResidualOp(Op):
    """The sum of two chains with the same input; an empty chain is the identity."""

    def __init__(self, name: str, branch: list[Op], shortcut: list[Op]) -> None:
        self.name, self.branch, self.shortcut = name, branch, shortcut

    @property
    def halo(self) -> Padding:
        return wanted_halo(self.branch)

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, halo: Padding
    ) -> PlannedOp:
        return PlannedResidual(self, xs, shards, halo)

    def prepare(self) -> None:
        for op in [*self.branch, *self.shortcut]:
            op.prepare()

    @property
    def derived_bytes(self) -> int:
        return sum(op.derived_bytes for op in [*self.branch, *self.shortcut])


class PlannedResidual(PlannedOp):
    """A residual block bound to a batch."""

    def __init__(self, op: ResidualOp, xs: list[Array], shards: list[Shard], halo: Padding) -> None:
        self.xs, self.shards = xs, shards
        self.branch = Chain(op.branch, xs, shards, overwrite=False)
        self.shortcut = Chain(op.shortcut, xs, shards, overwrite=False)
        self.sum = ByShard(
            [
                AddKernel(a, b, shard.arena.allocate(a.shape, halo))
                for a, b, shard in zip(self.branch.ys, self.shortcut.ys, shards, strict=True)
            ],
            shards,
        )
        self.ys = self.sum.ys
        for y, a, shard in zip(self.ys, self.branch.ys, shards, strict=True):
            shard.arena.inherit_halo(y, a)
        self.forward = [*self.branch.forward, *self.shortcut.forward, *self.sum.forward]

    @property
    def post_step(self) -> list[Task]:
        return [*self.branch.post_step, *self.shortcut.post_step]

    @property
    def chains(self) -> tuple[Chain, ...]:
        return self.branch, self.shortcut

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        branch = self.branch.plan_backward(
            dys, needs_input_grad=needs_input_grad, can_overwrite_grad=False
        )
        shortcut = self.shortcut.plan_backward(
            dys, needs_input_grad=needs_input_grad, can_overwrite_grad=False
        )
        self.backward = [*self.branch.backward, *self.shortcut.backward]
        if branch is None or shortcut is None:
            return None
        dxs = [self._sum(dys, branch, shortcut, i) for i in range(len(dys))]
        self.backward.append(Stage([task for _, task in dxs]))
        return [dx for dx, _ in dxs]

    def _sum(
        self, dys: list[Array], branch: list[Array], shortcut: list[Array], index: int
    ) -> tuple[Array, Task]:
        """Add both gradients into the branch's, or into a new array if the branch's is ``dy``."""
        arena, first, second = self.shards[index].arena, branch[index], shortcut[index]
        target = arena.gradient_of(self.xs[index]) if first is dys[index] else first
        if second is not dys[index]:
            arena.release(second)
        return target, partial(np.add, first, second, out=target)
