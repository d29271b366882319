"""The operators of ONNX that make up each layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from cnn_tui.engine.export.modules import Module
from cnn_tui.engine.shapes import Shape, adaptive_spans
from cnn_tui.engine.specs.activations import PReLU, ReLU6, SiLU
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    DWConv,
    MaxPool,
    Parallel,
    Residual,
    StochasticDepth,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad
from cnn_tui.engine.specs.windows import Windowed, as_conv, windows

INPUT, OUTPUT = "pixels", "scores"
MEAN, STD = "images/mean", "images/std"
"""Names of the constants that normalise pixels."""


class OnnxGraph:
    """The nodes in order, and the arrays that they use.

    A value is named after the layer that gives it. All other names have a slash, which no layer
    has: a layer may be called ``scores`` or ``fc1_flatten``.
    """

    def __init__(self, helper: Any, weights: dict[str, np.ndarray]) -> None:
        self._helper, self._weights = helper, weights
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}

    def node(
        self, kind: str, inputs: Iterable[str], name: str, output: str = "", /, **attributes: object
    ) -> str:
        """Add a node and return the name of its output: its own unless that is the model's."""
        output = output or (f"{name}/output" if name in (INPUT, OUTPUT) else name)
        node = self._helper.make_node(kind, [*inputs], [output], name=name, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, name: str, array: np.ndarray) -> str:
        """Add an array and return its name."""
        self.constants[name] = np.ascontiguousarray(array)
        return name

    def normalized(self, mean: np.ndarray, std: np.ndarray) -> str:
        """Add ``(pixels - mean) / std`` and return its name."""
        centred = self.node("Sub", [INPUT, self.constant(MEAN, mean)], "images/centred")
        return self.node("Div", [centred, self.constant(STD, std)], "images/normalized")

    def chain(self, layers: tuple[Module, ...], x: str) -> str:
        """Add layers one after another, without dropout, and return the last output."""
        for module in layers:
            if not isinstance(module.layer, Dropout | StochasticDepth):
                x = self.layer(module, x)
        return x

    def layer(self, module: Module, x: str) -> str:
        """Add a layer and return its output."""
        write = self.WRITERS.get(type(module.layer), OnnxGraph._plain)
        return write(self, module.layer, module, x)

    def _plain(self, layer: Any, module: Module, x: str) -> str:
        """Add an operator with the settings of the layer and the single input ``x``."""
        onnx = layer.info.onnx
        settings = {name: getattr(layer, field) for field, name in onnx.settings.items()}
        return self.node(onnx.name, [x], module.path, **settings, **onnx.fixed)

    def _weight(self, path: str, part: str) -> str:
        name = f"{path}.{part}"
        return self.constant(name, self._weights[name])

    def _weights_of(self, path: str, bias: bool) -> list[str]:
        return [self._weight(path, part) for part in ("weight", "bias")[: 1 + bias]]

    def _conv(self, layer: Conv, module: Module, x: str) -> str:
        dilations = [window.dilation for window in windows(layer)]
        inputs = [x, *self._weights_of(module.path, layer.bias)]
        settings = {**_window(layer), "dilations": dilations, "group": layer.groups}
        return self.node("Conv", inputs, module.path, **settings)

    def _dwconv(self, layer: DWConv, module: Module, x: str) -> str:
        return self._conv(as_conv(layer, module.before[0]), module, x)

    def _fc(self, layer: FC, module: Module, x: str) -> str:
        if len(module.before) == 3:
            x = self.node("Flatten", [x], f"{module.path}/flatten")
        inputs = [x, *self._weights_of(module.path, layer.bias)]
        return self.node("Gemm", inputs, module.path, transB=1)

    def _silu(self, layer: SiLU, module: Module, x: str) -> str:
        return self.node(
            "Mul", [x, self.node("Sigmoid", [x], f"{module.path}/sigmoid")], module.path
        )

    def _relu6(self, layer: ReLU6, module: Module, x: str) -> str:
        bounds = [
            self.constant(f"{module.path}/{name}", np.array(bound, np.float32))
            for name, bound in (("min", 0), ("max", 6))
        ]
        return self.node("Clip", [x, *bounds], module.path)

    def _prelu(self, layer: PReLU, module: Module, x: str) -> str:
        return self.node("PRelu", [x, self._factor(module)], module.path)

    def _factor(self, module: Module) -> str:
        """The weight of a layer with a factor for each channel, as it spreads over a volume."""
        name = f"{module.path}.weight"
        ones = (1,) * (len(module.before) - 1)
        return self.constant(name, self._weights[name].reshape(-1, *ones))

    def _maxpool(self, layer: MaxPool, module: Module, x: str) -> str:
        return self.node("MaxPool", [x], module.path, **_rounded_window(layer))

    def _avgpool(self, layer: AvgPool, module: Module, x: str) -> str:
        counts = int(layer.count_include_pad)
        settings = _rounded_window(layer)
        return self.node("AveragePool", [x], module.path, count_include_pad=counts, **settings)

    def _adaptive(self, layer: AdaptiveAvgPool, module: Module, x: str) -> str:
        """Means of rows, then of columns: ONNX has no pool with windows of unequal size."""
        rows, columns = map(_means, module.before[1:], module.after[1:])
        names = (f"{module.path}/{axis}" for axis in ("rows", "columns"))
        down, across = map(self.constant, names, (rows, columns.T))
        over_rows = self.node("MatMul", [down, x], f"{module.path}/over-rows")
        return self.node("MatMul", [over_rows, across], module.path)

    def _groupnorm(self, layer: GroupNorm, module: Module, x: str) -> str:
        inputs = [x, *self._weights_of(module.path, True)]
        settings = {"epsilon": layer.eps, "num_groups": layer.num_groups}
        return self.node("GroupNormalization", inputs, module.path, **settings)

    def _layernorm(self, layer: LayerNorm, module: Module, x: str) -> str:
        path, by_pixel = module.path, layer.over == "channels" and len(module.before) == 3
        if by_pixel:
            x = self.node("Transpose", [x], f"{path}/last", perm=[0, 2, 3, 1])
        name, axis = (f"{path}/normal", -1) if by_pixel else (path, 1)
        inputs = [x, *self._weights_of(path, True)]
        y = self.node("LayerNormalization", inputs, name, axis=axis, epsilon=layer.eps)
        return self.node("Transpose", [y], path, perm=[0, 3, 1, 2]) if by_pixel else y

    def _layer_scale(self, layer: LayerScale, module: Module, x: str) -> str:
        return self.node("Mul", [x, self._factor(module)], module.path)

    def _pad(self, layer: Pad, module: Module, x: str) -> str:
        left, right, top, bottom = layer.sides
        pads = np.array([0, 0, top, left, 0, 0, bottom, right])
        mode = {"zeros": "constant", "reflect": "reflect", "replicate": "edge"}
        inputs = [x, self.constant(f"{module.path}/pads", pads)]
        return self.node("Pad", inputs, module.path, mode=mode[layer.padding_mode])

    def _channel_shuffle(self, layer: ChannelShuffle, module: Module, x: str) -> str:
        order = np.arange(module.before[0]).reshape(layer.groups, -1).T.ravel()
        inputs = [x, self.constant(f"{module.path}/order", order)]
        return self.node("Gather", inputs, module.path, axis=1)

    def _batchnorm(self, layer: BatchNorm, module: Module, x: str) -> str:
        parts = ("weight", "bias", "running_mean", "running_var")
        inputs = [x, *(self._weight(module.path, part) for part in parts)]
        settings = {"epsilon": layer.eps, "momentum": 1 - layer.momentum}
        return self.node("BatchNormalization", inputs, module.path, **settings)

    def _lrn(self, layer: LRN, module: Module, x: str) -> str:
        # ONNX divides alpha by the size, the paper does not.
        settings = {"alpha": layer.alpha * layer.size, "beta": layer.beta, "bias": layer.k}
        return self.node("LRN", [x], module.path, size=layer.size, **settings)

    def _residual(self, layer: Residual, module: Module, x: str) -> str:
        branch, aside = (self._side(module, at, x, module.before) for at in (0, 1))
        if layer.shortcut == "zero-pad":
            aside = self._zero_pad(layer.stride, module, x)
        return self.node("Add", [branch, aside], module.path)

    def _parallel(self, layer: Parallel, module: Module, x: str) -> str:
        count, shape = len(layer.branches), module.before
        starts = [x] * count
        if layer.split and count > 1:
            shape = (shape[0] // count, *shape[1:])
            starts = self._shares(count, module.path, x)
        sides = [self._side(module, at, start, shape) for at, start in enumerate(starts)]
        if count == 1:
            return sides[0]
        if layer.merge == "concat":
            return self.node("Concat", sides, module.path, axis=1)
        if layer.merge == "add":
            return self.node("Sum", sides, module.path)
        for number, side in enumerate(sides[1:-1], 2):
            sides[0] = self.node("Mul", [sides[0], side], f"{module.path}/{number}")
        return self.node("Mul", [sides[0], sides[-1]], module.path)

    def _shares(self, count: int, path: str, x: str) -> list[str]:
        shares = [f"{path}/share{number}" for number in range(1, count + 1)]
        settings = {"axis": 1, "num_outputs": count}
        self.nodes.append(
            self._helper.make_node("Split", [x], shares, name=f"{path}/split", **settings)
        )
        return shares

    def _side(self, module: Module, at: int, x: str, shape: Shape) -> str:
        """Add a branch on a volume of ``shape``; it ends as flat, or not, as the block does."""
        x = self.chain(module.branches[at], x)
        name = f"{module.path}/{at + 1}"
        end = module.branches[at][-1].after if module.branches[at] else shape
        if len(end) > len(module.after):
            return self.node("Flatten", [x], f"{name}/flatten")
        if len(end) < len(module.after):
            wanted = self.constant(f"{name}/shape", np.array([0, -1, 1, 1]))
            return self.node("Reshape", [x, wanted], f"{name}/volume")
        return x

    def _zero_pad(self, stride: int, module: Module, x: str) -> str:
        path, missing = f"{module.path}.shortcut", module.after[0] - module.before[0]
        numbers = {
            "starts": [0, 0],
            "ends": [2**31 - 1] * 2,
            "axes": [2, 3],
            "steps": [stride, stride],
            "pads": [0, 0, 0, 0, 0, missing, 0, 0],
        }
        arrays = {n: self.constant(f"{path}/{n}", np.array(v)) for n, v in numbers.items()}
        pads = arrays.pop("pads")
        taken = self.node("Slice", [x, *arrays.values()], f"{path}/slice")
        return self.node("Pad", [taken, pads], path)

    WRITERS: ClassVar[dict[type, Callable[[OnnxGraph, Any, Module, str], str]]] = {
        Conv: _conv,
        DWConv: _dwconv,
        MaxPool: _maxpool,
        AvgPool: _avgpool,
        AdaptiveAvgPool: _adaptive,
        FC: _fc,
        SiLU: _silu,
        ReLU6: _relu6,
        PReLU: _prelu,
        GroupNorm: _groupnorm,
        LayerNorm: _layernorm,
        LayerScale: _layer_scale,
        Pad: _pad,
        ChannelShuffle: _channel_shuffle,
        BatchNorm: _batchnorm,
        LRN: _lrn,
        Residual: _residual,
        Parallel: _parallel,
    }
    """The layers whose operators have other inputs or attributes than their settings."""


def _means(size: int, count: int) -> np.ndarray:
    """The matrix ``(count, size)`` of an average pool to a given size along one axis."""
    means = np.zeros((count, size), np.float32)
    for row, (start, stop) in zip(means, adaptive_spans(size, count), strict=True):
        row[start:stop] = 1 / (stop - start)
    return means


def _rounded_window(layer: MaxPool | AvgPool) -> dict[str, Any]:
    return _window(layer) | ({"ceil_mode": 1} if layer.rounding == "ceil" else {})


def _window(layer: Windowed) -> dict[str, list[int]]:
    pairs = zip(*windows(layer), strict=True)
    kernel, stride, padding, _ = (list(pair) for pair in pairs)
    return {"kernel_shape": kernel, "strides": stride, "pads": padding * 2}
