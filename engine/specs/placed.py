"""The layers of a network as they are computed: repeated ones unfolded, each with its shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.blocks import projection
from cnn_tui.engine.specs.layers import Layer, Parallel, Repeat, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport, Report


class Placed(NamedTuple):
    """A layer in a network: from a volume of ``shape`` to one of ``output``."""

    layer: Any
    """The spec, of the type that the reader handles."""
    report: LayerReport
    shape: Shape
    output: Shape
    branches: tuple[tuple[Placed, ...], ...] = ()
    """Branch and shortcut of a residual block, the branches of a parallel one, or the copies of
    repeated layers that are not unfolded. A shortcut without layers is empty, also one that is
    padded with zeros."""

    @property
    def name(self) -> str:
        """The name of the layer, and the prefix of the names of its parameters."""
        return self.report.name

    def walk(self) -> Iterator[Placed]:
        """Yield the layer itself, then the layers inside in the order of computation."""
        yield self
        for inner in chain.from_iterable(self.branches):
            yield from inner.walk()


def place_network(network: Network, report: Report) -> tuple[Placed, ...]:
    """Return the layers of a valid network in the order of computation."""
    return unfolded(place_layers(network.layers, report.layers, network.input))


def unfolded(placed: Iterable[Placed]) -> tuple[Placed, ...]:
    """Put the copies of repeated layers in place of the layer that repeats them, at every depth."""
    made: list[Placed] = []
    for each in placed:
        branches = tuple(unfolded(inner) for inner in each.branches)
        if isinstance(each.layer, Repeat):
            made += chain.from_iterable(branches)
        else:
            made.append(each._replace(branches=branches))
    return tuple(made)


def place_layers(
    layers: Sequence[Layer], reports: Sequence[LayerReport], shape: Shape
) -> tuple[Placed, ...]:
    """Return the layers of a list on a volume of ``shape``, repeated ones not unfolded."""
    made: list[Placed] = []
    for layer, report in zip(layers, reports, strict=True):
        output = tuple(report.output or ())
        inner = _branches(layer, report, shape, output)
        made.append(Placed(layer, report, shape, output, inner))
        shape = output
    return tuple(made)


def _branches(
    layer: Layer, report: LayerReport, shape: Shape, output: Shape
) -> tuple[tuple[Placed, ...], ...]:
    match layer:
        case Residual():
            aside: tuple[Layer, ...] = ()
            if layer.shortcut == "projection":
                aside = projection(output[0], layer.stride)
            elif isinstance(layer.shortcut, tuple):
                aside = layer.shortcut
            return (
                place_layers(layer.branch, report.branch, shape),
                place_layers(aside, report.shortcut, shape),
            )
        case Parallel():
            share = (shape[0] // len(layer.branches), *shape[1:]) if layer.split else shape
            pairs = zip(layer.branches, report.branches, strict=True)
            return tuple(place_layers(branch, inner, share) for branch, inner in pairs)
        case Repeat():
            copies: list[tuple[Placed, ...]] = []
            for copy in report.branches:
                copies.append(place_layers(layer.layers, copy, shape))
                shape = copies[-1][-1].output
            return tuple(copies)
    return ()


def computed_name(report: LayerReport) -> str:
    """Return the name of the layer that computes the output of a reported one.

    Of repeated layers it is the last in the last copy.
    """
    while report.type == "repeat":
        report = report.branches[-1][-1]
    return report.name
