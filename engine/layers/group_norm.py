"""Group norm and layer norm, which need no other image than their own."""

from __future__ import annotations

from collections.abc import Callable

from cnn_tui.engine.layers.base import Op
from cnn_tui.engine.layers.building import Parts, Placed
from cnn_tui.engine.layers.simple import ElementwiseOp
from cnn_tui.engine.ops.group_norm import GroupNormKernel, LayerNormKernel
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.pixel_norm import PixelNormKernel
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.shapes import Shape

MakeNorm = Callable[[Array, Array, Arena], GroupNormKernel | PixelNormKernel]


def groupnorm_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A group norm with scales ``weight (C,)`` and shifts ``bias (C,)``."""
    layer = placed.layer

    def make(x: Array, y: Array, arena: Arena) -> GroupNormKernel:
        return GroupNormKernel(x, y, layer.num_groups, layer.eps, arena)

    return [_norm_op(placed, parts, make)]


def layernorm_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A layer norm with ``weight`` and ``bias``: one value each, or for each channel."""
    layer, size = placed.layer, placed.shape[1:]

    def over_channels(x: Array, y: Array, arena: Arena) -> PixelNormKernel:
        return PixelNormKernel(x, y, layer.eps, arena)

    def over_volume(x: Array, y: Array, arena: Arena) -> LayerNormKernel:
        return LayerNormKernel(x, y, 1, layer.eps, arena)

    if layer.over == "channels" or not size:
        return [_norm_op(placed, parts, over_channels)]
    return [_norm_op(placed, parts, over_volume, every_pixel=True)]


def _norm_op(placed: Placed, parts: Parts, make: MakeNorm, *, every_pixel: bool = False) -> Op:
    """A normalisation with a scale and a shift."""
    channels, *size = placed.shape
    shape: Shape = (channels,)
    axes: Shape = (0,)
    spread: Shape = (channels, 1)
    if every_pixel:
        height, width = size
        shape, axes = (height, channels, width), (1, 0, 2)
        spread = (height, channels * width, 1)
    gamma = Parameter(f"{placed.name}.weight", shape, axes, "scale", initial=1.0)
    beta = Parameter(f"{placed.name}.bias", shape, axes, "bias")
    parts.parameters += [gamma, beta]

    def bound(x: Array, y: Array, shard: Shard) -> Kernel:
        kernel = make(x, y, shard.arena)
        arrays = (
            gamma.storage,
            beta.storage,
            gamma.part_of(shard.grads),
            beta.part_of(shard.grads),
        )
        kernel.bind(*(array.reshape(spread) for array in arrays))
        return kernel

    return ElementwiseOp(placed.name, bound)
