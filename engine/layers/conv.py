"""The convolution layer, and the bias that it shares with the fully connected layer."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cnn_tui.engine.layers.base import Op, ShardedOp
from cnn_tui.engine.layers.building import Parts, Placed, geometry_of
from cnn_tui.engine.layers.simple import ElementwiseOp
from cnn_tui.engine.ops.banded import BandedConvKernel
from cnn_tui.engine.ops.bands import BandedWeights
from cnn_tui.engine.ops.conv import ConvKernel, GroupedConvKernel, choose_conv_kernel
from cnn_tui.engine.ops.elementwise import BiasKernel
from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import NO_HALO, Array, Padding
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.winograd import winograd_applies
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.specs.layers import pair
from cnn_tui.engine.specs.windows import as_conv

NARROW = 32
"""Input channels of a group up to which all groups share one batched product (measured)."""


class ConvOp(ShardedOp):
    """A convolution without the bias; ``weight`` is stored as ``(KH, KW, C/groups, F)``."""

    def __init__(self, name: str, weight: Parameter, geometry: Geometry, groups: int) -> None:
        self.name, self.weight, self.geometry, self.groups = name, weight, geometry, groups

    @property
    def halo(self) -> Padding:
        reads = not self.narrow and self._reads_halo(self.geometry)
        return self.geometry.padding if reads else NO_HALO

    def _reads_halo(self, geometry: Geometry) -> bool:
        """Whether the padding of a window is read in place."""
        shifted = geometry.unit and self.groups == 1
        return shifted or winograd_applies(geometry, self._weights[0].weight)

    @property
    def narrow(self) -> bool:
        """Whether the groups have too few channels for products of their own."""
        return self.groups > 1 and self.weight.storage_shape[2] <= NARROW

    @cached_property
    def _weights(self) -> list[ConvWeights]:
        if self.narrow:
            return []
        return [ConvWeights(bank) for bank in np.split(self.weight.storage, self.groups, axis=3)]

    @property
    def _forms(self) -> list[ConvWeights] | list[BandedWeights]:
        return [self._banded] if self.narrow else self._weights

    @cached_property
    def _banded(self) -> BandedWeights:
        return BandedWeights(self.weight.storage, self.groups)

    def prepare(self) -> None:
        for weights in self._forms:
            weights.refresh()

    @property
    def derived_bytes(self) -> int:
        return sum(weights.form_bytes for weights in self._forms)

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        arena, geometry = shard.arena, self.geometry
        out_h, out_w = geometry.output
        y = arena.allocate((out_h, self.weight.storage_shape[-1], out_w, shard.size), halo)
        if self.narrow:
            dweight = self.weight.part_of(shard.grads)
            return BandedConvKernel(x, y, self._banded, dweight, geometry, arena)
        xs, ys = (arena.split(array, self.groups) for array in (x, y))
        dweights = np.split(self.weight.part_of(shard.grads), self.groups, axis=3)
        kernel = choose_conv_kernel(self._weights[0].weight, geometry, shard.size)
        back = geometry.transposed((x.shape[0], x.shape[2]))
        if kernel is ConvKernel and geometry.dense and self._reads_halo(back):
            arena.expect_halo(y, back.padding)
        groups = [
            kernel(*group, geometry, arena)
            for group in zip(xs, ys, self._weights, dweights, strict=True)
        ]
        return groups[0] if self.groups == 1 else GroupedConvKernel(x, y, groups)


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


def dwconv_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A depthwise convolution with ``weight (F, 1, KH, KW)`` and ``bias (F,)``."""
    return conv_ops(placed._replace(layer=as_conv(placed.layer, placed.shape[0])), parts)


def bias_ops(placed: Placed, parts: Parts, size: int) -> list[Op]:
    """The operation of a ``bias (size,)``; none if the layer has no bias."""
    if not placed.layer.bias:
        return []
    bias = Parameter(f"{placed.name}.bias", (size,), (0,), "bias")
    parts.parameters.append(bias)

    def make(x: Array, y: Array, shard: Shard) -> Kernel:
        return BiasKernel(x, y, bias.storage, bias.part_of(shard.grads), shard.arena)

    return [ElementwiseOp(placed.name, make, in_place=True, monotone=True)]
