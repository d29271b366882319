"""Blocks: chains of operations on the same input, merged into one volume."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from cnn_tui.engine.layers.base import (
    Chain,
    Op,
    PlannedOp,
    ShardedOp,
    Stage,
    Task,
    wanted_halo,
)
from cnn_tui.engine.ops.elementwise import ZeroPadKernel
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array, Padding
from cnn_tui.engine.ops.merging import MERGES, ShareKernel
from cnn_tui.engine.ops.rows import whole_rows
from cnn_tui.engine.specs.layers import Merge


class ZeroPadOp(ShardedOp):
    """A shortcut without parameters: subsampling and channels of zeros (option A)."""

    def __init__(self, name: str, channels: int, stride: int) -> None:
        self.name, self.channels, self.stride = name, channels, stride

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        height, _, width, images = x[:: self.stride, :, :: self.stride].shape
        y = shard.arena.allocate((height, self.channels, width, images))
        return ZeroPadKernel(x, y, self.stride)


class ShareOp(ShardedOp):
    """Some of the channels, for one of the branches that share them."""

    def __init__(self, name: str, channels: slice) -> None:
        self.name, self.channels = name, channels

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        y = shard.arena.allocate(x[:, self.channels].shape, halo)
        return ShareKernel(x, y, self.channels)


class MergeOp(Op):
    """Chains with the same input, merged; an empty chain is the identity."""

    def __init__(self, name: str, merge: Merge, branches: Sequence[list[Op]]) -> None:
        self.name, self.merge, self.branches = name, merge, branches

    @property
    def halo(self) -> Padding:
        return wanted_halo(self.branches[0])

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, halo: Padding
    ) -> PlannedOp:
        return PlannedMerge(self, xs, shards, halo)

    def prepare(self) -> None:
        for branch in self.branches:
            for op in branch:
                op.prepare()

    @property
    def derived_bytes(self) -> int:
        return sum(op.derived_bytes for branch in self.branches for op in branch)


class PlannedMerge(PlannedOp):
    """A block bound to a batch."""

    def __init__(self, op: MergeOp, xs: list[Array], shards: list[Shard], halo: Padding) -> None:
        self.xs, self.shards = xs, shards
        self.branches = [Chain(ops, xs, shards, overwrite=False) for ops in op.branches]
        ends = zip(*(branch.ys for branch in self.branches), strict=True)
        make = MERGES[op.merge]
        self.merges = [
            make(parts, shard.arena, halo) for parts, shard in zip(ends, shards, strict=True)
        ]
        self.ys = [merge.y for merge in self.merges]
        self.forward = [
            *(stage for branch in self.branches for stage in branch.forward),
            Stage([merge.forward for merge in self.merges]),
        ]

    @property
    def post_step(self) -> list[Task]:
        return [task for branch in self.branches for task in branch.post_step]

    @property
    def chains(self) -> tuple[Chain, ...]:
        return tuple(self.branches)

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        self.backward: list[Stage] = []
        total: list[Array] | None = None
        for number, branch in enumerate(self.branches):
            own = [
                merge.gradient_of(number, dy, shard.arena)
                for merge, dy, shard in zip(self.merges, dys, self.shards, strict=True)
            ]
            shares_grad = own[0][0] is dys[0]
            if not shares_grad:
                self.backward.append(Stage([task for _, task in own]))
            dxs = branch.plan_backward(
                [gradient for gradient, _ in own],
                needs_input_grad=needs_input_grad,
                can_overwrite_grad=not shares_grad,
            )
            self.backward.extend(branch.backward)
            if dxs is not None:
                total = dxs if total is None else self._sum(dys, total, dxs)
        return total

    def _sum(self, dys: list[Array], total: list[Array], dxs: list[Array]) -> list[Array]:
        """Add the gradients of a branch to those before it, or in a new array if those are ``dy``.

        An array that is released is not reused before the sums have been planned.
        """
        targets, sums = [], []
        for x, dy, first, second, shard in zip(self.xs, dys, total, dxs, self.shards, strict=True):
            target = shard.arena.gradient_of(x) if first is dy else first
            if second is not dy:
                shard.arena.release(second)
            targets.append(target)
            *parts, out = whole_rows(shard.arena, first, second, target)
            sums.append(partial(np.add, *parts, out=out))
        self.backward.append(Stage(sums))
        return targets
