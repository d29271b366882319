"""Every layer once more, as loops over single outputs that follow the definition.

Slow, in float64, and written without a look at the engine: shapes come from counting the places
where a window fits, not from a formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnn_tui.engine.specs.activations import (
    ELU,
    GELU,
    Hardsigmoid,
    Hardswish,
    PReLU,
    ReLU6,
    SiLU,
)
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    DWConv,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    Repeat,
    Residual,
    Sigmoid,
    StochasticDepth,
    Tanh,
    pair,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad
from cnn_tui.engine.specs.windows import as_conv

Arrays = Mapping[str, np.ndarray]
"""Parameters and buffers by their names in the model."""


def forward(
    layers: tuple[Layer, ...],
    reports: tuple[LayerReport, ...],
    arrays: Arrays,
    x: np.ndarray,
    training: bool = False,
) -> list[np.ndarray]:
    """The output of each layer; ``reports`` give the layers' names."""
    outputs = []
    for layer, report in zip(layers, reports, strict=True):
        x = _layer(layer, report, arrays, x, training)
        outputs.append(x)
    return outputs


def _layer(
    layer: Layer, report: LayerReport, arrays: Arrays, x: np.ndarray, training: bool
) -> np.ndarray:
    name = report.name
    match layer:
        case Conv():
            return conv(x, arrays[f"{name}.weight"], arrays.get(f"{name}.bias"), layer)
        case DWConv():
            grouped = as_conv(layer, x.shape[1])
            return conv(x, arrays[f"{name}.weight"], arrays.get(f"{name}.bias"), grouped)
        case FC():
            return fc(x, arrays[f"{name}.weight"], arrays.get(f"{name}.bias"))
        case MaxPool():
            return pool(x, layer, np.max)
        case AvgPool():
            return pool(x, layer, np.mean)
        case GlobalAvgPool():
            return x.mean(axis=(2, 3), keepdims=True)
        case GlobalMaxPool():
            return x.max(axis=(2, 3), keepdims=True)
        case AdaptiveAvgPool():
            return adaptive(x, *pair(layer.output_size))
        case BatchNorm():
            return _batchnorm(x, layer, arrays, name, training)
        case Residual():
            return _residual(layer, report, arrays, x, training)
        case Parallel():
            return _parallel(layer, report, arrays, x, training)
        case Repeat():
            for copy in report.branches:
                x = forward(layer.layers, copy, arrays, x, training)[-1]
            return x
        case LRN():
            return lrn(x, layer)
        case GroupNorm():
            return groupnorm(x, layer, arrays[f"{name}.weight"], arrays[f"{name}.bias"])
        case LayerNorm():
            return layernorm(x, layer, arrays[f"{name}.weight"], arrays[f"{name}.bias"])
        case LayerScale():
            return np.moveaxis(np.moveaxis(x, 1, -1) * arrays[f"{name}.weight"], -1, 1)
        case Pad():
            left, right, top, bottom = layer.sides
            mode = {"zeros": "constant", "replicate": "edge"}.get(layer.padding_mode, "reflect")
            return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), mode)
        case ChannelShuffle():
            size = x.shape[1] // layer.groups
            return np.stack(
                [x[:, g * size + i] for i in range(size) for g in range(layer.groups)], 1
            )
        case PReLU():
            return prelu(x, arrays[f"{name}.weight"])
        case Dropout() | StochasticDepth():
            assert not training, "masks are random: there is no reference for them"
            return x
    kind = type(layer)
    assert kind in SCALARS, f"{kind.__name__}: add its formula to SCALARS in {__file__}"
    return np.vectorize(lambda v: SCALARS[kind](layer, v), otypes=[float])(x)


def normal(v: float) -> float:
    """The normal distribution function."""
    return math.erfc(-v / math.sqrt(2)) / 2


def gelu_tanh(v: float) -> float:
    return v * (1 + math.tanh((2 / math.pi) ** 0.5 * (v + 0.044715 * v**3))) / 2


SCALARS: dict[type, Callable[[Any, float], float]] = {
    ReLU: lambda layer, v: v if v > 0 else 0.0,
    LeakyReLU: lambda layer, v: v if v > 0 else layer.negative_slope * v,
    Sigmoid: lambda layer, v: 1 / (1 + math.exp(-v)) if v > 0 else math.exp(v) / (1 + math.exp(v)),
    Tanh: lambda layer, v: math.tanh(v),
    GELU: lambda layer, v: v * normal(v) if layer.approximate == "none" else gelu_tanh(v),
    ReLU6: lambda layer, v: min(max(v, 0.0), 6.0),
    ELU: lambda layer, v: v if v > 0 else layer.alpha * (math.exp(v) - 1),
    SiLU: lambda layer, v: v / (1 + math.exp(-v)),
    Hardswish: lambda layer, v: v * min(max(v + 3, 0.0), 6.0) / 6,
    Hardsigmoid: lambda layer, v: min(max(v + 3, 0.0), 6.0) / 6,
}
"""Layers that treat every number by itself."""


def places(size: int, kernel: int, stride: int, dilation: int = 1) -> list[slice]:
    """Where a window fits along an axis of ``size`` pixels, padding included."""
    span = dilation * (kernel - 1) + 1
    return [slice(start, start + span, dilation) for start in range(0, size - span + 1, stride)]


def padded(x: np.ndarray, padding: tuple[int, int], value: float) -> np.ndarray:
    down, across = padding
    widths = ((0, 0), (0, 0), (down, down), (across, across))
    return np.pad(x, widths, constant_values=value)


def conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, layer: Conv) -> np.ndarray:
    filters, per_group, *kernel = weight.shape
    stride, dilation = pair(layer.stride), pair(layer.dilation)
    if layer.padding == "same":
        padding = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    else:
        padding = pair(layer.padding)
    x = padded(x, (padding[0], padding[1]), 0)
    rows, columns = (places(x.shape[2 + a], kernel[a], stride[a], dilation[a]) for a in (0, 1))
    y = np.empty((len(x), filters, len(rows), len(columns)))
    for n, f, i, j in np.ndindex(y.shape):
        first = f // (filters // layer.groups) * per_group
        window = x[n, first : first + per_group, rows[i], columns[j]]
        y[n, f, i, j] = (window * weight[f]).sum() + (0 if bias is None else bias[f])
    return y


def fc(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    y = np.empty((len(x), len(weight)))
    for n, f in np.ndindex(y.shape):
        y[n, f] = (x[n].ravel() * weight[f]).sum() + (0 if bias is None else bias[f])
    return y


def pool(x: np.ndarray, layer: MaxPool | AvgPool, of: Callable[[list[float]], float]) -> np.ndarray:
    """Each window as a list of numbers: zeros for padding that counts, else nothing."""
    kernel, padding = pair(layer.kernel_size), pair(layer.padding)
    stride = kernel if layer.stride is None else pair(layer.stride)
    counts = isinstance(layer, AvgPool) and layer.count_include_pad
    axes = zip(x.shape[2:], kernel, stride, padding, strict=True)
    rows, columns = (pool_places(*axis, layer.rounding == "ceil", counts) for axis in axes)
    y = np.empty((*x.shape[:2], len(rows), len(columns)))
    for n, c, i, j in np.ndindex(y.shape):
        seen = [
            x[n, c, row, column] if 0 <= row < x.shape[2] and 0 <= column < x.shape[3] else 0.0
            for row in rows[i]
            for column in columns[j]
        ]
        y[n, c, i, j] = of(seen)
    return y


def pool_places(
    size: int, kernel: int, stride: int, padding: int, ceil: bool, counts: bool
) -> list[list[int]]:
    """The pixels of each window along an axis; those outside of the image only where they count."""
    found = []
    for start in range(-padding, size if ceil else size + padding - kernel + 1, stride):
        known = range(-padding, size + padding) if counts else range(size)
        found.append([at for at in range(start, start + kernel) if at in known])
        if start + kernel >= size + padding:
            break  # the window that reaches the end is the last
    return found


def adaptive(x: np.ndarray, height: int, width: int) -> np.ndarray:
    y = np.empty((*x.shape[:2], height, width))
    for i, j in np.ndindex(height, width):
        top, left = math.floor(i * x.shape[2] / height), math.floor(j * x.shape[3] / width)
        bottom = math.ceil((i + 1) * x.shape[2] / height)
        right = math.ceil((j + 1) * x.shape[3] / width)
        y[:, :, i, j] = x[:, :, top:bottom, left:right].mean(axis=(2, 3))
    return y


def lrn(x: np.ndarray, layer: LRN) -> np.ndarray:
    y = np.empty_like(x)
    for n, c, i, j in np.ndindex(x.shape):
        first = c - layer.size // 2
        neighbours = x[n, max(0, first) : max(0, first + layer.size), i, j]
        y[n, c, i, j] = (
            x[n, c, i, j] / (layer.k + layer.alpha * (neighbours**2).sum()) ** layer.beta
        )
    return y


def normal_values(values: np.ndarray, eps: float) -> np.ndarray:
    """Values less their mean, over their spread."""
    mean = sum(values.ravel()) / values.size
    variance = sum((value - mean) ** 2 for value in values.ravel()) / values.size
    return (values - mean) / math.sqrt(variance + eps)


def groupnorm(x: np.ndarray, layer: GroupNorm, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    y, size = np.empty_like(x), x.shape[1] // layer.num_groups
    for n, first in np.ndindex(len(x), layer.num_groups):
        group = slice(first * size, (first + 1) * size)
        y[n, group] = normal_values(x[n, group], layer.eps)
    for c in range(x.shape[1]):
        y[:, c] = y[:, c] * weight[c] + bias[c]
    return y


def layernorm(x: np.ndarray, layer: LayerNorm, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    if layer.over == "volume":
        return np.stack([normal_values(image, layer.eps) * weight + bias for image in x])
    y = np.empty_like(x)
    for n, i, j in np.ndindex(len(x), *x.shape[2:]):
        y[n, :, i, j] = normal_values(x[n, :, i, j], layer.eps) * weight + bias
    return y


def prelu(x: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    y = x.copy()
    for at in np.argwhere(x < 0):
        y[tuple(at)] *= slopes[at[1] if len(slopes) > 1 else 0]
    return y


def batchnorm(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    eps: float,
) -> np.ndarray:
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        y[:, c] = gamma[c] * (x[:, c] - mean[c]) / math.sqrt(var[c] + eps) + beta[c]
    return y


def _batchnorm(
    x: np.ndarray, layer: BatchNorm, arrays: Arrays, name: str, training: bool
) -> np.ndarray:
    mean, var = arrays[f"{name}.running_mean"], arrays[f"{name}.running_var"]
    if training:
        mean, var = statistics(x)
    gamma, beta = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
    return batchnorm(x, gamma, beta, mean, var, layer.eps)


def statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each channel."""
    channels = [x[:, c].ravel() for c in range(x.shape[1])]
    means = [sum(values) / len(values) for values in channels]
    squares = [
        sum((v - mean) ** 2 for v in values) / len(values)
        for mean, values in zip(means, channels, strict=True)
    ]
    return np.array(means), np.array(squares)


def _residual(
    layer: Residual, report: LayerReport, arrays: Arrays, x: np.ndarray, training: bool
) -> np.ndarray:
    branch = forward(layer.branch, report.branch, arrays, x, training)[-1]
    if layer.shortcut == "identity":
        return branch + x
    if isinstance(layer.shortcut, tuple):
        return branch + [x, *forward(layer.shortcut, report.shortcut, arrays, x, training)][-1]
    if layer.shortcut == "projection":
        conv1, bn2 = report.shortcut
        one = Conv(out_channels=branch.shape[1], kernel_size=1, stride=layer.stride)
        side = conv(x, arrays[f"{conv1.name}.weight"], None, one)
        return branch + _batchnorm(side, BatchNorm(), arrays, bn2.name, training)
    y = branch.copy()
    for n, c, i, j in np.ndindex(y.shape):
        if c < x.shape[1]:
            y[n, c, i, j] += x[n, c, i * layer.stride, j * layer.stride]
    return y


def _parallel(
    layer: Parallel, report: LayerReport, arrays: Arrays, x: np.ndarray, training: bool
) -> np.ndarray:
    count = len(layer.branches)
    inputs = np.split(x, count, axis=1) if layer.split else [x] * count
    ends = [
        [own, *forward(branch, rows, arrays, own, training)][-1]
        for own, branch, rows in zip(inputs, layer.branches, report.branches, strict=True)
    ]
    if layer.merge == "concat":
        return np.concatenate(ends, axis=1)
    if any(y.ndim == 4 for y in ends):
        ends = [y[:, :, None, None] if y.ndim == 2 else y for y in ends]
    y = ends[0]
    for other in ends[1:]:
        y = y + other if layer.merge == "add" else y * other
    return y
