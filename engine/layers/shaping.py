"""Padding and channel shuffle."""

from __future__ import annotations

from cnn_tui.engine.layers.base import Op, ShardedOp
from cnn_tui.engine.layers.building import Parts, Placed
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array, Padding
from cnn_tui.engine.ops.shaping import ChannelShuffleKernel, PadKernel


class PadOp(ShardedOp):
    """A border around height and width."""

    def __init__(self, placed: Placed) -> None:
        self.name, self.layer, self.output = placed.name, placed.layer, placed.output

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        channels, height, width = self.output
        y = shard.arena.allocate((height, channels, width, shard.size), halo)
        return PadKernel(x, y, self.layer.sides, self.layer.padding_mode)


class ChannelShuffleOp(ShardedOp):
    """Another order of the channels."""

    def __init__(self, placed: Placed) -> None:
        self.name, self.groups = placed.name, placed.layer.groups

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        return ChannelShuffleKernel(x, shard.arena.allocate(x.shape, halo), self.groups)


def pad_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a padding."""
    return [PadOp(placed)]


def channel_shuffle_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a channel shuffle."""
    return [ChannelShuffleOp(placed)]
