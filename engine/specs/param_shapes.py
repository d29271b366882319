"""What a network learns, as far as it decides whose weights fit it: no arrays are needed to ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnn_tui.engine.specs.layers import Conv, Layer, Residual, pair
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport, Report


class Shape(NamedTuple):
    """Enough of a layer to know the shapes of its arrays."""

    type: str
    outputs: int
    kernel: tuple[int, int]
    weights: int
    biases: int


class ParamShapes(NamedTuple):
    """A layer that learns: the name that its arrays bear, and their shapes."""

    name: str
    shape: Shape


def param_shapes(network: Network, report: Report) -> tuple[ParamShapes, ...]:
    """The layers that learn, in the order in which they are computed; none of a broken network."""
    return tuple(_learned(network.layers, report.layers)) if report.valid else ()


def compatible(one: Sequence[ParamShapes], other: Sequence[ParamShapes]) -> bool:
    """Whether the weights of one fit the other; where nothing is learned, nothing fits."""
    return bool(one) and [part.shape for part in one] == [part.shape for part in other]


def _learned(layers: Sequence[Layer], reports: Sequence[LayerReport]) -> Iterator[ParamShapes]:
    for layer, report in zip(layers, reports, strict=True):
        if isinstance(layer, Residual):
            yield from _learned(layer.branch, report.branch)
            yield from (_one(part, (1, 1)) for part in report.shortcut if part.weights)
        elif report.weights:
            yield _one(report, pair(layer.kernel_size) if isinstance(layer, Conv) else (1, 1))


def _one(report: LayerReport, kernel: tuple[int, int]) -> ParamShapes:
    outputs = report.output[0] if report.output else 0
    shape = Shape(report.type, outputs, kernel, report.weights, report.biases)
    return ParamShapes(report.name, shape)
