"""Transfers the weights of a network to its rewritten form."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.engines import engine_to_look
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.protocol import Weights as Weights
from cnn_tui.engine.shapes import Shape, Window, output_size
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, AvgPool, Conv, MaxPool, pair
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.param_shapes import compatible, param_shapes
from cnn_tui.engine.specs.rewrite import Pair, Rewrite, RewrittenLayer, pairs
from cnn_tui.engine.specs.transforms import matrix_facts
from cnn_tui.engine.specs.windows import windows


def weights_of(model: Engine) -> dict[str, Array]:
    """Return copies of all parameters and buffers of a model."""
    return {name: np.ascontiguousarray(array).copy() for name, array in model.arrays().items()}


def model_with(network: Network, weights: Weights, *, threads: int = 1) -> Engine:
    """Return a model of ``network`` with these weights; none are drawn, which takes seconds.

    Raises:
        ShapeError: if they belong to another network.
    """
    model = engine_to_look(network, threads=threads, drawn=False)
    load_weights(model, weights)
    return model


def load_weights(model: Engine, weights: Weights) -> None:
    """Copy weights into a model.

    Raises:
        ShapeError: if one is missing or has another shape; the model is then unchanged.
    """
    for name, array in model.arrays().items():
        if name not in weights:
            raise ShapeError(
                f"there are no weights for {name}.", "They may belong to another network."
            )
        if weights[name].shape != array.shape:
            raise ShapeError(
                f"the weights for {name} are {weights[name].shape}, expected {array.shape}.",
                "They may belong to another network.",
            )
    model.put(weights)


_KINDS = ("weight", "bias", "running_mean", "running_var")


def carry(rewritten: Rewrite, weights: Weights, *, seed: int = 0) -> dict[str, Array]:
    """Return weights for ``rewritten.after`` from those of ``rewritten.before``.

    Unchanged layers keep their weights, also under new names. A convolution that replaces a pool
    starts as the mean of each window. A stack of small kernels is initialised from ``seed``.

    Raises:
        ShapeError: if the matrix of a convolution is too large.
        KeyError: if weights are missing.
    """
    carried = {name: array for pair in pairs(rewritten) for name, array in _carried(pair, weights)}
    return (
        carried
        if rewritten.kind != "kernel-to-stack"
        else fresh_weights(rewritten.after, seed) | carried
    )


def renamed(weights: Weights, before: Network, after: Network) -> dict[str, Array]:
    """Return weights of ``before`` under the names that ``after`` has for the same layers.

    Raises:
        ShapeError: if the networks differ in the shapes or order of their parameters.
    """
    old, new = (param_shapes(network, check(network)) for network in (before, after))
    if not compatible(old, new):
        raise ShapeError("these weights belong to another network.", "Train this network.")
    names = {layer.name: same.name for layer, same in zip(old, new, strict=True)}
    split = ((*name.rpartition("."), array) for name, array in weights.items())
    return {f"{names[layer]}.{kind}": array for layer, _, kind, array in split}


def _carried(pair: Pair, weights: Weights) -> Iterator[tuple[str, Array]]:
    names = {kind: f"{pair.old.name}.{kind}" for kind in _KINDS}
    arrays = {kind: weights[name] for kind, name in names.items() if name in weights}
    if pair.part is not None:
        arrays = _translated(pair.part, arrays)
    yield from ((f"{pair.new[0].name}.{kind}", array) for kind, array in arrays.items())


def _translated(part: RewrittenLayer, arrays: dict[str, Array]) -> dict[str, Array]:
    match part.old, part.new[0]:
        case FC(), Conv() as conv:
            kernel = pair(conv.kernel_size)
            # PyTorch flattens a volume by channel, row and column: the order of a filter.
            filters = arrays["weight"].reshape(conv.out_channels, -1, *kernel)
            return arrays | {"weight": filters}
        case Conv() as conv, FC():
            return _as_matrix(conv, part, arrays)
        case MaxPool() | AvgPool(), Conv() as conv:
            return _means(conv)
    return {}


def _as_matrix(conv: Conv, part: RewrittenLayer, arrays: dict[str, Array]) -> dict[str, Array]:
    positions = matrix_facts(conv, part.shape).rows // conv.out_channels
    matrix = {"weight": conv_matrix(conv, arrays["weight"], part.shape)}
    return matrix | {"bias": np.repeat(arrays["bias"], positions)} if conv.bias else matrix


def _means(conv: Conv) -> dict[str, Array]:
    """Filters that give the mean of the window of their own channel."""
    kernel = pair(conv.kernel_size)
    channels = conv.out_channels
    weight = np.zeros((channels, channels, *kernel), np.float32)
    weight[np.arange(channels), np.arange(channels)] = 1 / math.prod(kernel)
    return {"weight": weight, "bias": np.zeros(channels, np.float32)}


def fresh_weights(network: Network, seed: int | None = None) -> dict[str, Array]:
    """Return initial weights, drawn from a seed or from that of the recipe."""
    model = build(network, seed=seed)
    try:
        return weights_of(model)
    finally:
        model.close()


MAX_ENTRIES = 1 << 26
"""256 MB of float32, acceptable in an interactive command."""


def conv_matrix(layer: Conv, weight: Array, shape: Shape) -> Array:
    """Return the matrix ``(F*H'*W', C*H*W)`` of filters ``(F, C/groups, KH, KW)``.

    ``shape`` is that of the input volume. Rows and columns are in PyTorch's order of flattened
    volumes.

    Raises:
        ShapeError: if the matrix would have more than MAX_ENTRIES entries.
    """
    facts = matrix_facts(layer, shape)
    if facts.entries > MAX_ENTRIES:
        size = f"{facts.rows:,} x {facts.columns:,}"
        raise ShapeError(
            f"the matrix would have {size} = {facts.entries:,} entries.",
            f"At most {MAX_ENTRIES:,} are allowed: choose a later layer or a smaller input.",
        )
    _, height, width = shape
    down, across = windows(layer)
    positions = output_size(height, down), output_size(width, across)
    matrix = np.zeros((layer.out_channels, *positions, *shape), weight.dtype)
    for filters, channels in _groups(layer, shape[0]):
        part = matrix[filters, :, :, channels]
        for row in range(down.kernel):
            for column in range(across.kernel):
                y, pixel_y = _readers(height, down, row)
                x, pixel_x = _readers(width, across, column)
                # (positions, positions, F, C): the indexed axes come first.
                part[:, y[:, None], x, :, pixel_y[:, None], pixel_x] = weight[
                    filters, :, row, column
                ]
    return matrix.reshape(facts.rows, facts.columns)


def _groups(layer: Conv, channels: int) -> list[tuple[slice, slice]]:
    """The filters of each group and the channels that they read."""
    wide, deep = layer.out_channels // layer.groups, channels // layer.groups
    return [
        (slice(i * wide, (i + 1) * wide), slice(i * deep, (i + 1) * deep))
        for i in range(layer.groups)
    ]


def _readers(size: int, window: Window, tap: int) -> tuple[np.ndarray, np.ndarray]:
    """The positions whose window has a pixel at ``tap``, and that pixel."""
    positions = np.arange(output_size(size, window))
    pixels = positions * window.stride - window.padding + tap * window.dilation
    inside = (pixels >= 0) & (pixels < size)
    return positions[inside], pixels[inside]
