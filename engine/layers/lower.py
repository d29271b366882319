"""From the description of a layer to its operations and parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike

from cnn_tui.engine.layers.base import Op
from cnn_tui.engine.layers.conv import conv_ops, conv_parameters
from cnn_tui.engine.layers.fc import fc_ops, fc_parameters
from cnn_tui.engine.layers.norm import BatchNormOp
from cnn_tui.engine.layers.residual import ResidualOp, ZeroPadOp
from cnn_tui.engine.layers.simple import ElementwiseOp, PoolOp
from cnn_tui.engine.ops.activations import LeakyReLUKernel, ReLUKernel, SigmoidKernel, TanhKernel
from cnn_tui.engine.ops.dropout import DropoutKernel
from cnn_tui.engine.ops.kernel import Mode
from cnn_tui.engine.ops.lrn import LRNKernel
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.pool import AvgPoolKernel, MaxPoolKernel
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
    pair,
)
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.windows import projection, windows


@dataclass
class Lowering:
    """Collects the operations, parameters and buffers of a network, layer by layer."""

    mode: Mode
    dtype: DTypeLike
    parameters: list[Parameter] = field(default_factory=list)
    buffers: dict[str, Array] = field(default_factory=dict)
    dropouts: int = 0

    def chain(
        self, layers: tuple[Layer, ...], reports: tuple[LayerReport, ...], shape: Shape
    ) -> list[Op]:
        """The operations of layers one after another, on a volume of ``shape``."""
        ops: list[Op] = []
        for layer, report in zip(layers, reports, strict=True):
            output = tuple(report.output or ())
            for op in self.layer(layer, report, shape, output):
                _append(ops, op)
            shape = output
        return ops

    def layer(self, layer: Layer, report: LayerReport, shape: Shape, output: Shape) -> list[Op]:
        """The operations of one layer that turns ``shape`` into ``output``."""
        name = report.name
        match layer:
            case Conv():
                return self._conv(layer, name, shape, output)
            case FC():
                return self._fc(layer, name, shape)
            case MaxPool() | AvgPool():
                return [_pool(layer, name, output)]
            case GlobalAvgPool():
                whole = Geometry((shape[1], shape[2]), (1, 1), (0, 0), (1, 1), (1, 1))
                return [PoolOp(name, AvgPoolKernel, whole, keeps_y=False)]
            case BatchNorm():
                return [self._batchnorm(layer, name, shape[0])]
            case Dropout():
                return [self._dropout(layer, name)]
            case Residual():
                return [self._residual(layer, report, shape, output)]
        return [_activation(layer, name)]

    def _add(self, parameters: list[Parameter]) -> list[Parameter]:
        self.parameters.extend(parameters)
        return parameters

    def _conv(self, layer: Conv, name: str, shape: Shape, output: Shape) -> list[Op]:
        kernel = pair(layer.kernel_size)
        parameters = self._add(
            conv_parameters(name, shape[0], layer.out_channels, kernel, layer.groups, layer.bias)
        )
        return conv_ops(name, parameters, _geometry(layer, output), layer.groups)

    def _fc(self, layer: FC, name: str, shape: Shape) -> list[Op]:
        features = math.prod(shape)
        parameters = self._add(fc_parameters(name, features, layer.out_features, layer.bias))
        return fc_ops(name, parameters, flatten=len(shape) == 3)

    def _batchnorm(self, layer: BatchNorm, name: str, channels: int) -> Op:
        gamma = Parameter(f"{name}.weight", (channels,), (0,), "gamma")
        beta = Parameter(f"{name}.bias", (channels,), (0,), "beta")
        self._add([gamma, beta])
        running = (np.zeros(channels, self.dtype), np.ones(channels, self.dtype))
        self.buffers[f"{name}.running_mean"], self.buffers[f"{name}.running_var"] = running
        return BatchNormOp(name, gamma, beta, running, layer.eps, layer.momentum, self.mode)

    def _dropout(self, layer: Dropout, name: str) -> Op:
        self.dropouts += 1
        number = self.dropouts
        return ElementwiseOp(
            name, lambda x, y, shard: DropoutKernel(x, y, layer.p, number, self.mode, shard)
        )

    def _residual(self, layer: Residual, report: LayerReport, shape: Shape, output: Shape) -> Op:
        branch = self.chain(layer.branch, report.branch, shape)
        shortcut: list[Op] = []
        if layer.shortcut == "projection":
            layers = projection(output[0], layer.stride)
            shortcut = self.chain(layers, report.shortcut, shape)
        elif layer.shortcut == "zero-pad":
            shortcut = [ZeroPadOp(report.name, output[0], layer.stride)]
        return ResidualOp(report.name, branch, shortcut)


def _append(ops: list[Op], op: Op) -> None:
    """Append, but let a max pool go before operations that it commutes with."""
    place = len(ops)
    if isinstance(op, PoolOp) and op.make is MaxPoolKernel:
        while place and ops[place - 1].monotone:
            place -= 1
    ops.insert(place, op)


def _geometry(layer: Conv | MaxPool | AvgPool, output: Shape) -> Geometry:
    down, across = windows(layer)
    pairs = zip(down, across, strict=True)
    kernel, stride, padding, dilation = ((high, wide) for high, wide in pairs)
    return Geometry(kernel, stride, padding, dilation, (output[1], output[2]))


def _pool(layer: MaxPool | AvgPool, name: str, output: Shape) -> Op:
    largest = isinstance(layer, MaxPool)
    kernel = MaxPoolKernel if largest else AvgPoolKernel
    return PoolOp(name, kernel, _geometry(layer, output), keeps_y=largest)


def _activation(layer: Layer, name: str) -> Op:
    match layer:
        case ReLU():
            return ElementwiseOp(
                name, lambda x, y, _: ReLUKernel(x, y), in_place=True, keeps_y=True, monotone=True
            )
        case LeakyReLU():
            slope = layer.negative_slope
            return ElementwiseOp(name, lambda x, y, _: LeakyReLUKernel(x, y, slope), monotone=True)
        case Sigmoid():
            return ElementwiseOp(name, lambda x, y, _: SigmoidKernel(x, y), keeps_y=True)
        case Tanh():
            return ElementwiseOp(name, lambda x, y, _: TanhKernel(x, y), keeps_y=True)
        case LRN():
            return ElementwiseOp(
                name,
                lambda x, y, shard: LRNKernel(
                    x,
                    y,
                    shard.memory,
                    size=layer.size,
                    alpha=layer.alpha,
                    beta=layer.beta,
                    k=layer.k,
                ),
            )
    raise AssertionError(f"no operation for {layer!r}")
