"""The convolution layer."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cnn_tui.engine.layers.base import Op, ShardedOp
from cnn_tui.engine.layers.building import Parts, Placed, geometry_of
from cnn_tui.engine.ops.conv import ConvKernel, GroupedConvKernel, choose_conv_kernel
from cnn_tui.engine.ops.elementwise import BiasKernel
from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import UNFRAMED, Array, Padding
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.specs.layers import pair


class ConvOp(ShardedOp):
    """The sums of products, without the bias. ``weight``: inner ``(KH, KW, C/groups, F)``."""

    def __init__(self, name: str, weight: Parameter, geometry: Geometry, groups: int) -> None:
        self.name, self.weight, self.geometry, self.groups = name, weight, geometry, groups

    @property
    def frame(self) -> Padding:
        return self.geometry.padding if self.geometry.unit and self.groups == 1 else UNFRAMED

    @cached_property
    def _weights(self) -> list[ConvWeights]:
        return [ConvWeights(part) for part in np.split(self.weight.inner, self.groups, axis=3)]

    def prepare(self) -> None:
        for weights in self._weights:
            weights.refresh()

    @property
    def derived_bytes(self) -> int:
        return sum(weights.form_bytes for weights in self._weights)

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, frame: Padding) -> Kernel:
        memory, geometry = shard.memory, self.geometry
        out_h, out_w = geometry.output
        y = memory.keep((out_h, self.weight.inner_shape[-1], out_w, shard.size), frame)
        xs, ys = (np.split(array, self.groups, axis=1) for array in (x, y))
        dweights = np.split(self.weight.part_of(shard.grads), self.groups, axis=3)
        kind = choose_conv_kernel(self._weights[0].weight, geometry, shard.size, self.groups)
        if self.groups == 1 and kind is ConvKernel and geometry.dense:
            memory.expect_gradient(y, geometry.transposed((x.shape[0], x.shape[2])).padding)
        groups = [
            kind(*part, geometry, memory)
            for part in zip(xs, ys, self._weights, dweights, strict=True)
        ]
        return groups[0] if self.groups == 1 else GroupedConvKernel(x, y, groups)


class BiasOp(ShardedOp):
    """One number added to each channel."""

    monotone = True
    in_place = True

    def __init__(self, name: str, bias: Parameter) -> None:
        self.name, self.bias = name, bias

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, frame: Padding) -> Kernel:
        y = x if overwrite else shard.memory.keep(x.shape, frame)
        shard.memory.inherit(y, x)
        return BiasKernel(x, y, self.bias.inner, self.bias.part_of(shard.grads))


def conv_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A convolution with ``weight (F, C/groups, KH, KW)`` and ``bias (F,)``."""
    layer, name = placed.layer, placed.name
    kernel_h, kernel_w = pair(layer.kernel_size)
    filters, per_group = layer.out_channels, placed.shape[0] // layer.groups
    taps = kernel_h * kernel_w
    fans = (per_group * taps, filters // layer.groups * taps)
    shape = (kernel_h, kernel_w, per_group, filters)
    weight = Parameter(f"{name}.weight", shape, (3, 2, 0, 1), "weight", *fans)
    parts.parameters.append(weight)
    geometry = geometry_of(layer, placed.output)
    return [ConvOp(name, weight, geometry, layer.groups), *bias_ops(placed, parts, filters)]


def bias_ops(placed: Placed, parts: Parts, size: int) -> list[Op]:
    """A ``bias (size,)``, unless the layer goes without."""
    if not placed.layer.bias:
        return []
    bias = Parameter(f"{placed.name}.bias", (size,), (0,), "bias")
    parts.parameters.append(bias)
    return [BiasOp(placed.name, bias)]
