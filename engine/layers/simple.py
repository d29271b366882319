"""Operations on one volume, and the layers without parameters that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cnn_tui.engine.layers.base import Op, ShardedOp
from cnn_tui.engine.layers.building import Parts, Placed, geometry_of
from cnn_tui.engine.ops.activations import ACTIVATIONS, ActivationKernel
from cnn_tui.engine.ops.elementwise import DropoutKernel, StochasticDepthKernel
from cnn_tui.engine.ops.global_pool import AdaptiveAvgPoolKernel, GlobalMaxPoolKernel
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.lrn import LRNKernel
from cnn_tui.engine.ops.memory import Array, Padding
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.pool import AvgPoolKernel, MaxPoolKernel
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.activations import ReLU
from cnn_tui.engine.specs.layers import MaxPool, StochasticDepth
from cnn_tui.engine.specs.pooling import GlobalMaxPool

MakeKernel = Callable[[Array, Array, Shard], Kernel]
MakePool = Callable[[Array, Array, Geometry, Shard], Kernel]


class ElementwiseOp(ShardedOp):
    """An operation whose output has the shape of its input.

    If the backward pass reads ``y`` but not ``x``, ``y`` may overwrite it: then it is in place.
    """

    def __init__(
        self,
        name: str,
        make: MakeKernel,
        *,
        saves_output: bool = False,
        in_place: bool = False,
        monotone: bool = False,
        is_relu: bool = False,
    ) -> None:
        self.name, self.make = name, make
        self.saves_output, self.in_place = saves_output, in_place
        self.monotone, self.is_relu = monotone, is_relu

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        y = x if overwrite and self.in_place else shard.arena.allocate(x.shape, halo)
        shard.arena.inherit_halo(y, x)
        return self.make(x, y, shard)


class PoolOp(ShardedOp):
    """Max or average pooling over windows."""

    def __init__(
        self, name: str, make: MakePool, geometry: Geometry, *, saves_output: bool
    ) -> None:
        self.name, self.make, self.geometry, self.saves_output = name, make, geometry, saves_output

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        out_h, out_w = self.geometry.output
        y = shard.arena.allocate((out_h, x.shape[1], out_w, shard.size), halo)
        return self.make(x, y, self.geometry, shard)


def activation_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of an activation of any type."""
    layer = placed.layer
    rule = ACTIVATIONS[type(layer)]
    return [
        ElementwiseOp(
            placed.name,
            lambda x, y, shard: ActivationKernel(x, y, layer, shard.arena),
            saves_output=rule.saves != "x",
            in_place=rule.saves == "y",
            monotone=rule.monotone,
            is_relu=isinstance(layer, ReLU),
        )
    ]


def dropout_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a dropout, of values or of images; its number seeds its masks."""
    parts.dropouts += 1
    kernel = StochasticDepthKernel if isinstance(placed.layer, StochasticDepth) else DropoutKernel
    p, number, mode = placed.layer.p, parts.dropouts, parts.mode
    return [ElementwiseOp(placed.name, lambda x, y, shard: kernel(x, y, p, number, mode, shard))]


def lrn_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a local response normalisation."""
    layer = placed.layer
    return [ElementwiseOp(placed.name, lambda x, y, shard: LRNKernel(x, y, shard.arena, layer))]


def pool_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a max pool or average pool."""
    layer, geometry = placed.layer, geometry_of(placed.layer, placed.output)
    if isinstance(layer, MaxPool):
        return [PoolOp(placed.name, MaxPoolKernel, geometry, saves_output=True)]
    make = partial(AvgPoolKernel, count_padding=layer.count_include_pad)
    return [PoolOp(placed.name, make, geometry, saves_output=False)]


class ResizingOp(ShardedOp):
    """An operation whose output has a size of its own: a pool of the whole volume, or padding."""

    def __init__(
        self, name: str, make: MakeKernel, output: Shape, *, saves_output: bool = False
    ) -> None:
        self.name, self.make, self.output, self.saves_output = name, make, output, saves_output

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        channels, height, width = self.output
        y = shard.arena.allocate((height, channels, width, shard.size), halo)
        return self.make(x, y, shard)


def whole_pool_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a global pool, or of an average pool to a given size."""
    is_max = isinstance(placed.layer, GlobalMaxPool)
    make = GlobalMaxPoolKernel if is_max else AdaptiveAvgPoolKernel
    return [ResizingOp(placed.name, make, placed.output, saves_output=is_max)]
