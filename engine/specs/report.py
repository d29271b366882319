"""What :func:`cnn_tui.engine.specs.check.check` answers; its JSON is ``cnn-tui check --json``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from cnn_tui.engine.specs.layers import Conv, Layer, Residual, pair
from cnn_tui.engine.specs.network import Network


class Fix(msgspec.Struct, frozen=True):
    """One way out of an issue, tried before it is offered."""

    layer: int
    """Number of the layer to change, counted from 1; 0 is the network."""
    field: str
    """The setting, such as ``stride``, or ``branch[1].stride`` inside a residual block.

    ``replace`` and ``after`` are no settings: the layers that ``value`` names in quick entry take
    the place of the layer, or stand behind it.
    """
    value: int | str | list[int]
    description: str
    """What to change and what comes of it: ``stride 1: 16x10x10, all later layers fit``."""
    also: tuple[Fix, ...] = ()
    """Further changes that this one needs; ``doctor.apply_fix`` makes them all."""


class Issue(msgspec.Struct, frozen=True):
    """A mistake in a network: what, where, why and what to do, in one line."""

    layer: int
    """Number of the layer, counted from 1; 0 is the network as a whole."""
    code: str
    message: str
    fixes: tuple[Fix, ...] = ()
    """Best first: those after which all later layers fit, then by how little they change."""
    path: str = ""
    """The setting at fault as a file has it, counted from 0: ``layers[3].kernel_size``."""


class LayerReport(msgspec.Struct, frozen=True):
    """One layer in its place; counts are for one image."""

    index: int
    """Counted from 1 in its list of layers."""
    type: str
    name: str
    """The user's, or type and number; unique in the network."""
    settings: str
    """In short: ``6  5x5 s1 p2``."""
    output: list[int] | None
    """``[C, H, W]`` or ``[D]``; None from the first fault on."""
    weights: int
    """Entries of weight arrays; gamma of a batch norm."""
    biases: int
    """Entries of bias vectors; beta of a batch norm."""
    params: int
    """Weights and biases: all that is learned. Running statistics are not."""
    macs: int
    """Multiply-adds of convolutions and fully connected layers, which dwarf all others."""
    receptive_field: int | None
    """Input pixels along the longer side that one output depends on, padding included."""
    activations: int
    """Values in the output."""
    branch: tuple[LayerReport, ...] = ()
    shortcut: tuple[LayerReport, ...] = ()

    def walk(self) -> Iterator[LayerReport]:
        """Yield the report itself, then those of its branch and of its shortcut."""
        yield self
        for inner in (*self.branch, *self.shortcut):
            yield from inner.walk()


class Report(msgspec.Struct, frozen=True):
    """A network, checked."""

    name: str
    valid: bool
    input: tuple[int, int, int]
    layers: tuple[LayerReport, ...]
    total_params: int
    total_macs: int
    issues: tuple[Issue, ...]


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
