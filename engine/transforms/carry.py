"""Weights of a network turned into those of its rewritten form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.model import Model
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.shapes import Shape, Window, output_size
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, AvgPool, Conv, MaxPool, pair
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import compatible, param_shapes
from cnn_tui.engine.specs.rewrite import Pair, Rewrite, RewrittenLayer, pairs
from cnn_tui.engine.specs.transforms import matrix_facts
from cnn_tui.engine.specs.windows import windows

Weights = Mapping[str, Array]
"""Parameters and buffers such as ``conv1.weight`` and ``bn2.running_mean``, in PyTorch's shapes."""


def weights_of(model: Model) -> dict[str, Array]:
    """Copies of everything that a model has learned."""
    return {name: np.ascontiguousarray(array).copy() for name, array in live_arrays(model).items()}


def load_weights(model: Model, weights: Weights) -> None:
    """Put weights into a model.

    Raises:
        ShapeError: if one is missing or of another shape; the model is then left as it was.
    """
    live = live_arrays(model)
    for name, array in live.items():
        if name not in weights:
            raise ShapeError(f"there are no weights for {name}.", "Were they another network's?")
        if weights[name].shape != array.shape:
            raise ShapeError(
                f"the weights for {name} are {weights[name].shape}, expected {array.shape}.",
                "Were they another network's?",
            )
    for name, array in live.items():
        array[...] = weights[name]


def live_arrays(model: Model) -> dict[str, Array]:
    """The parameters and buffers that a model computes with, by name; not copies."""
    arrays = {name: parameter.data for name, parameter in model.parameters.items()}
    return arrays | model.buffers


_KINDS = ("weight", "bias", "running_mean", "running_var")


def carry(rewritten: Rewrite, weights: Weights, *, seed: int = 0) -> dict[str, Array]:
    """Weights for ``rewritten.after`` from those of ``rewritten.before``.

    Layers that stay keep theirs, whatever they are called now. A convolution for a pool begins as
    the mean of each window. A stack of small kernels has nothing to go by: it is initialised from
    ``seed``, as if it were new.

    Raises:
        ShapeError: for the matrix of a convolution that is too large.
        KeyError: if weights are missing.
    """
    carried = {name: array for pair in pairs(rewritten) for name, array in _carried(pair, weights)}
    return carried if rewritten.kind != "kernel-to-stack" else _initial(rewritten, seed) | carried


def renamed(weights: Weights, before: Network, after: Network) -> dict[str, Array]:
    """Weights of ``before`` under the names that ``after`` has for the same layers.

    Raises:
        ShapeError: if the networks do not learn arrays of the same shapes, in the same order.
    """
    old, new = (param_shapes(network, check(network)) for network in (before, after))
    if not compatible(old, new):
        raise ShapeError("these weights are those of another network.", "Train this one anew.")
    names = {one.name: other.name for one, other in zip(old, new, strict=True)}
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
    places = matrix_facts(conv, part.shape).rows // conv.out_channels
    matrix = {"weight": conv_matrix(conv, arrays["weight"], part.shape)}
    return matrix | {"bias": np.repeat(arrays["bias"], places)} if conv.bias else matrix


def _means(conv: Conv) -> dict[str, Array]:
    """Each filter the mean of the window of its own channel."""
    kernel = pair(conv.kernel_size)
    channels = conv.out_channels
    weight = np.zeros((channels, channels, *kernel), np.float32)
    weight[np.arange(channels), np.arange(channels)] = 1 / math.prod(kernel)
    return {"weight": weight, "bias": np.zeros(channels, np.float32)}


def _initial(rewritten: Rewrite, seed: int) -> dict[str, Array]:
    model = build(rewritten.after, seed=seed)
    try:
        return weights_of(model)
    finally:
        model.close()


MAX_ENTRIES = 1 << 26
"""256 MB of float32: what may still be made while somebody waits."""


def conv_matrix(layer: Conv, weight: Array, shape: Shape) -> Array:
    """A matrix ``(F*H'*W', C*H*W)`` for filters ``(F, C/groups, KH, KW)`` on a volume ``shape``.

    Rows and columns are in PyTorch's order of flattened volumes.

    Raises:
        ShapeError: if it would have more than MAX_ENTRIES entries.
    """
    facts = matrix_facts(layer, shape)
    if facts.entries > MAX_ENTRIES:
        size = f"{facts.rows:,} x {facts.columns:,}"
        raise ShapeError(
            f"the matrix would have {size} = {facts.entries:,} entries.",
            f"At most {MAX_ENTRIES:,} are made; take a later layer or a smaller input.",
        )
    _, height, width = shape
    down, across = windows(layer)
    places = output_size(height, down), output_size(width, across)
    matrix = np.zeros((layer.out_channels, *places, *shape), weight.dtype)
    for filters, channels in _groups(layer, shape[0]):
        part = matrix[filters, :, :, channels]
        for row in range(down.kernel):
            for column in range(across.kernel):
                y, pixel_y = _readers(height, down, row)
                x, pixel_x = _readers(width, across, column)
                # (places, places, F, C): the indexed axes come first.
                part[:, y[:, None], x, :, pixel_y[:, None], pixel_x] = weight[
                    filters, :, row, column
                ]
    return matrix.reshape(facts.rows, facts.columns)


def _groups(layer: Conv, channels: int) -> list[tuple[slice, slice]]:
    """Filters and the channels that they read."""
    wide, deep = layer.out_channels // layer.groups, channels // layer.groups
    return [
        (slice(i * wide, (i + 1) * wide), slice(i * deep, (i + 1) * deep))
        for i in range(layer.groups)
    ]


def _readers(size: int, window: Window, tap: int) -> tuple[np.ndarray, np.ndarray]:
    """The places whose window has a pixel at ``tap``, and that pixel."""
    places = np.arange(output_size(size, window))
    pixels = places * window.stride - window.padding + tap * window.dilation
    inside = (pixels >= 0) & (pixels < size)
    return places[inside], pixels[inside]
