"""The convolution layer."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cnn_tui.engine.layers.base import Op, ShardedOp
from cnn_tui.engine.ops.conv import BiasKernel, ConvKernel, GroupedConvKernel
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array, aligned_empty
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.parameters import Parameter


class ConvOp(ShardedOp):
    """The sums of products, without the bias. ``weight``: inner ``(KH, KW, C/groups, F)``."""

    def __init__(self, name: str, weight: Parameter, geometry: Geometry, groups: int) -> None:
        self.name, self.weight, self.geometry, self.groups = name, weight, geometry, groups

    @cached_property
    def _flipped(self) -> Array:
        kernel_h, kernel_w, channels, filters = self.weight.inner_shape
        shape = (self.groups, channels, kernel_h, kernel_w, filters // self.groups)
        return aligned_empty(shape, self.weight.inner.dtype)

    def prepare(self) -> None:
        """Turn the weight by 180 degrees and swap input and output channels."""
        if self.geometry.dense:
            kernel_h, kernel_w, channels, _ = self.weight.inner_shape
            turned = self.weight.inner[::-1, ::-1]
            by_group = turned.reshape(kernel_h, kernel_w, channels, self.groups, -1)
            np.copyto(self._flipped, by_group.transpose(3, 2, 0, 1, 4))

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool) -> Kernel:
        filters = self.weight.inner_shape[-1]
        out_h, out_w = self.geometry.output
        y = shard.keep((out_h, filters, out_w, shard.size))
        dweight = self.weight.part_of(shard.grads)
        groups = [
            ConvKernel(*arrays, self.geometry, shard)
            for arrays in zip(
                np.split(x, self.groups, axis=1),
                np.split(y, self.groups, axis=1),
                np.split(self.weight.inner, self.groups, axis=3),
                np.split(dweight, self.groups, axis=3),
                self._flipped.reshape(self.groups, self._flipped.shape[1], -1),
                strict=True,
            )
        ]
        return groups[0] if self.groups == 1 else GroupedConvKernel(x, y, groups)


class BiasOp(ShardedOp):
    """One number added to each channel."""

    monotone = True

    def __init__(self, name: str, bias: Parameter) -> None:
        self.name, self.bias = name, bias

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool) -> Kernel:
        y = x if overwrite else shard.keep(x.shape)
        return BiasKernel(x, y, self.bias.inner, self.bias.part_of(shard.grads))


def conv_parameters(
    name: str, in_channels: int, out_channels: int, kernel: tuple[int, int], groups: int, bias: bool
) -> list[Parameter]:
    """``weight (F, C/groups, KH, KW)`` and ``bias (F,)``."""
    per_group = in_channels // groups
    taps = kernel[0] * kernel[1]
    fans = (per_group * taps, out_channels // groups * taps)
    shape = (*kernel, per_group, out_channels)
    parameters = [Parameter(f"{name}.weight", shape, (3, 2, 0, 1), "weight", *fans)]
    if bias:
        parameters.append(Parameter(f"{name}.bias", (out_channels,), (0,), "bias"))
    return parameters


def conv_ops(name: str, parameters: list[Parameter], geometry: Geometry, groups: int) -> list[Op]:
    """The operations of a convolution layer."""
    weight, *biases = parameters
    conv = ConvOp(name, weight, geometry, groups)
    return [conv, *(BiasOp(name, bias) for bias in biases)]
