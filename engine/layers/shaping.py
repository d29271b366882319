"""Padding and channel shuffle."""

from __future__ import annotations

from cnn_tui.engine.layers.base import Op, ShardedOp
from cnn_tui.engine.layers.building import Parts, Placed
from cnn_tui.engine.layers.simple import ResizingOp
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array, Padding
from cnn_tui.engine.ops.shaping import ChannelShuffleKernel, PadKernel


class ChannelShuffleOp(ShardedOp):
    """Another order of the channels."""

    def __init__(self, placed: Placed) -> None:
        self.name, self.groups = placed.name, placed.layer.groups

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        return ChannelShuffleKernel(x, shard.arena.allocate(x.shape, halo), self.groups)


def pad_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a padding."""
    sides, mode = placed.layer.sides, placed.layer.padding_mode
    return [
        ResizingOp(placed.name, lambda x, y, shard: PadKernel(x, y, sides, mode), placed.output)
    ]


def channel_shuffle_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a channel shuffle."""
    return [ChannelShuffleOp(placed)]
