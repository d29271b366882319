"""Group norm and layer norm, which need no other image than their own."""

from __future__ import annotations

from typing import NamedTuple

from cnn_tui.engine.layers.base import Op, ShardedOp
from cnn_tui.engine.layers.building import Parts, Placed
from cnn_tui.engine.ops.group_norm import BY_GROUP, BY_PIXEL, Axes, GroupNormKernel, Spread
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array, Padding
from cnn_tui.engine.parameters import Parameter


class Grouping(NamedTuple):
    """What is normalised together, and how the parameters spread over it."""

    groups: int
    axes: Axes
    spread: Spread
    eps: float


class GroupNormOp(ShardedOp):
    """A normalisation with a scale and a shift."""

    def __init__(self, name: str, gamma: Parameter, beta: Parameter, grouping: Grouping) -> None:
        self.name, self.gamma, self.beta, self.grouping = name, gamma, beta, grouping

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        y = shard.arena.allocate(x.shape, halo)
        shard.arena.inherit_halo(y, x)
        groups, axes, spread, eps = self.grouping
        kernel = GroupNormKernel(x, y, groups, axes, eps, shard.arena)
        dgamma, dbeta = (p.part_of(shard.grads) for p in (self.gamma, self.beta))
        kernel.bind(self.gamma.storage, self.beta.storage, dgamma, dbeta, spread)
        return kernel


def groupnorm_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A group norm with scales ``weight (C,)`` and shifts ``bias (C,)``."""
    channels, groups = placed.shape[0], placed.layer.num_groups
    spread = (1, groups, channels // groups, 1, 1)
    grouping = Grouping(groups, BY_GROUP, spread, placed.layer.eps)
    return [_norm_op(placed, parts, (channels,), (0,), grouping)]


def layernorm_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A layer norm with ``weight`` and ``bias``: one value each, or for each channel."""
    channels, *size = placed.shape
    eps = placed.layer.eps
    if placed.layer.over == "channels" or not size:
        grouping = Grouping(1, BY_PIXEL, (1, 1, channels, 1, 1), eps)
        return [_norm_op(placed, parts, (channels,), (0,), grouping)]
    height, width = size
    grouping = Grouping(1, BY_GROUP, (height, 1, channels, width, 1), eps)
    return [_norm_op(placed, parts, (height, channels, width), (1, 0, 2), grouping)]


def _norm_op(
    placed: Placed, parts: Parts, shape: tuple[int, ...], axes: tuple[int, ...], grouping: Grouping
) -> Op:
    gamma = Parameter(f"{placed.name}.weight", shape, axes, "scale", initial=1.0)
    beta = Parameter(f"{placed.name}.bias", shape, axes, "bias")
    parts.parameters += [gamma, beta]
    return GroupNormOp(placed.name, gamma, beta, grouping)
