"""The result of :func:`cnn_tui.engine.specs.check.check`; as JSON ``cnn-tui check --json``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

import msgspec

from cnn_tui.engine.specs.layers import Conv, DWConv, Layer, Residual, pair
from cnn_tui.engine.specs.network import Network


class Fix(msgspec.Struct, frozen=True):
    """A change that fixes an issue; it was tried on the network."""

    layer: int
    """Number of the layer to change, counted from 1; 0 for the network."""
    field: str
    """The setting, such as ``stride``, or ``branch[1].stride`` inside a residual block.

    ``replace`` and ``after`` are not settings: the layers that ``value`` describes in quick entry
    replace the layer, or are added after it.
    """
    value: int | str | list[int]
    description: str
    """The change and its effect: ``stride 1 instead of 2: gives 6x9x9, all later layers fit``."""
    also: tuple[Fix, ...] = ()
    """Further changes that belong to this one; ``applying.apply_fix`` applies all."""


class Issue(msgspec.Struct, frozen=True):
    """A fault in a network: what, where, why and what to do, in one line."""

    layer: int
    """Number of the layer, counted from 1; 0 for the network as a whole."""
    code: str
    message: str
    fixes: tuple[Fix, ...] = ()
    """Fixes after which all later layers fit first, then the smallest changes."""
    path: str = ""
    """Path of the faulty setting, counted from 0: ``layers[3].kernel_size``."""


class LayerReport(msgspec.Struct, frozen=True):
    """One layer of a network; counts are for one image."""

    index: int
    """Position in its list of layers, counted from 1."""
    type: str
    name: str
    """The name of the user or type and number; unique in the network."""
    settings: str
    """The settings in short: ``6  5x5 s1 p2``."""
    output: list[int] | None
    """``[C, H, W]`` or ``[D]``; None at and after a fault."""
    weights: int
    """Number of weights, or of the gammas of a batch norm."""
    biases: int
    """Number of biases, or of the betas of a batch norm."""
    params: int
    """Weights and biases; running statistics are not parameters."""
    macs: int
    """Multiply-adds of convolutions and fully connected layers; all others are negligible."""
    receptive_field: int | None
    """Input pixels along the longer side that one output depends on, padding included."""
    activations: int
    """Number of output values."""
    branch: tuple[LayerReport, ...] = ()
    shortcut: tuple[LayerReport, ...] = ()

    def walk(self) -> Iterator[LayerReport]:
        """Yield the report itself, then those of its branch and of its shortcut."""
        yield self
        for inner in (*self.branch, *self.shortcut):
            yield from inner.walk()


class Report(msgspec.Struct, frozen=True):
    """The check of a whole network."""

    name: str
    valid: bool
    input: tuple[int, int, int]
    layers: tuple[LayerReport, ...]
    total_params: int
    total_macs: int
    issues: tuple[Issue, ...]

    @property
    def known_layers(self) -> tuple[LayerReport, ...]:
        """The layers before the first whose output is unknown; the totals of a valid network."""
        return tuple(takewhile(lambda layer: layer.output is not None, self.layers))


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
    return tuple(_learned(network.layers, report.layers)) if report.valid else ()


def compatible(first: Sequence[ParamShapes], second: Sequence[ParamShapes]) -> bool:
    """Whether the weights of the first network fit the second; False without parameters."""
    return bool(first) and [layer.sizes for layer in first] == [layer.sizes for layer in second]


def _learned(layers: Sequence[Layer], reports: Sequence[LayerReport]) -> Iterator[ParamShapes]:
    for layer, report in zip(layers, reports, strict=True):
        if isinstance(layer, Residual):
            yield from _learned(layer.branch, report.branch)
            yield from (_sizes(inner, (1, 1)) for inner in report.shortcut if inner.weights)
        elif report.weights:
            yield _sizes(
                report, pair(layer.kernel_size) if isinstance(layer, Conv | DWConv) else (1, 1)
            )


def _sizes(report: LayerReport, kernel: tuple[int, int]) -> ParamShapes:
    outputs = report.output[0] if report.output else 0
    sizes = ArraySizes(report.type, outputs, kernel, report.weights, report.biases)
    return ParamShapes(report.name, sizes)
