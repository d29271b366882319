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


class Learned(NamedTuple):
    """A layer that learns: the name that its arrays bear, and their shapes."""

    name: str
    shape: Shape


def learned(network: Network, report: Report) -> tuple[Learned, ...]:
    """The layers that learn, in the order in which they are computed; none of a broken network."""
    return tuple(_learned(network.layers, report.layers)) if report.valid else ()


def alike(one: Sequence[Learned], other: Sequence[Learned]) -> bool:
    """Whether the weights of one fit the other; where nothing is learned, nothing fits."""
    return bool(one) and [part.shape for part in one] == [part.shape for part in other]


def _learned(layers: Sequence[Layer], reports: Sequence[LayerReport]) -> Iterator[Learned]:
    for layer, report in zip(layers, reports, strict=True):
        if isinstance(layer, Residual):
            yield from _learned(layer.branch, report.branch)
            yield from (_one(part, (1, 1)) for part in report.shortcut if part.weights)
        elif report.weights:
            yield _one(report, pair(layer.kernel_size) if isinstance(layer, Conv) else (1, 1))


def _one(report: LayerReport, kernel: tuple[int, int]) -> Learned:
    outputs = report.output[0] if report.output else 0
    shape = Shape(report.type, outputs, kernel, report.weights, report.biases)
    return Learned(report.name, shape)
