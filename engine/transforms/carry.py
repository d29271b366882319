"""Weights of a network turned into those of its rewritten form."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, AvgPool, Conv, MaxPool, pair
from cnn_tui.engine.specs.matrix import matrix_facts
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.param_shapes import compatible, param_shapes
from cnn_tui.engine.specs.rewrite import Pair, Rewrite, RewrittenLayer, pairs
from cnn_tui.engine.transforms.matrix import conv_matrix
from cnn_tui.engine.transforms.weights import Weights, weights_of

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
