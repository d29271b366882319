"""The shapes of a network's weights, and whether those of another network fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnn_tui.engine.specs.layers import Conv, DWConv, pair
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import Placed, place_network
from cnn_tui.engine.specs.report import Report


class ArraySizes(NamedTuple):
    """The sizes of a layer that determine the shapes of its arrays."""

    type: str
    outputs: int
    kernel: tuple[int, int]
    weights: int
    biases: int


class ParamShapes(NamedTuple):
    """The name of a layer with parameters, and the shapes of its arrays."""

    name: str
    sizes: ArraySizes


def param_shapes(network: Network, report: Report) -> tuple[ParamShapes, ...]:
    """Return the layers with parameters in computation order; none for a broken network."""
    placed = place_network(network, report) if report.valid else ()
    every = (inner for top in placed for inner in top.walk())
    return tuple(_sizes(layer) for layer in every if layer.report.weights and not layer.branches)


def compatible(first: Sequence[ParamShapes], second: Sequence[ParamShapes]) -> bool:
    """Whether the weights of the first network fit the second; False without parameters."""
    return bool(first) and [layer.sizes for layer in first] == [layer.sizes for layer in second]


def _sizes(placed: Placed) -> ParamShapes:
    report = placed.report
    kernel = pair(placed.layer.kernel_size) if isinstance(placed.layer, Conv | DWConv) else (1, 1)
    sizes = ArraySizes(report.type, placed.output[0], kernel, report.weights, report.biases)
    return ParamShapes(report.name, sizes)
