"""The layers that read the maps of a convolution's filters, or why the filters must stay."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, DWConv, Layer, Parallel
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import Placed, place_network
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.shaping import ChannelShuffle


class Reader(NamedTuple):
    """A layer that reads the maps of filters, and how many of its inputs belong to one."""

    name: str
    inputs: int
    """1 for a convolution; the pixels of a map for a fully connected layer."""


def readers_of(network: Network, name: str) -> tuple[Reader, ...]:
    """The layers that read the maps of a convolution's filters, past pools and activations.

    Raises:
        InsightError: if its filters cannot be removed; says why.
    """
    report, conv = check(network), wired(network)[name]
    own = frozenset((*conv.norms, conv.response))
    try:
        _require_single(report.layers, name)
        found = _find(place_network(network, report), name, own, "they give the scores")
    except _StuckError as error:
        raise InsightError(
            f"The filters of {name} can be silenced, but not removed: {error}.",
            "Choose another layer.",
        ) from None
    return found or ()


class _StuckError(Exception):
    """Why filters cannot be removed."""


def _require_single(layers: Sequence[LayerReport], name: str) -> None:
    """Refuse a layer of which there are copies: they are described once."""
    for repeat in (inner for layer in layers for inner in layer.walk() if inner.type == "repeat"):
        if len(repeat.inner) > 1 and any(
            inner.name == name for copy in repeat.inner for row in copy for inner in row.walk()
        ):
            raise _StuckError(f"the copies of {repeat.name} must have equally many filters")


def _find(
    layers: Sequence[Placed], name: str, own: frozenset[str], end: str
) -> tuple[Reader, ...] | None:
    """The readers, if the convolution is among these layers; ``end`` is what their end means."""
    for position, placed in enumerate(layers):
        if placed.name == name:
            if isinstance(placed.layer, DWConv):
                raise _StuckError("each belongs to a channel that it reads")
            if placed.layer.groups != 1:
                raise _StuckError("its groups must have equally many filters")
            maps = _Maps(_pixels(placed.report), False, own)
            return tuple(_readers(layers[position + 1 :], maps, end))
        for branch in placed.branches:
            found = _find(branch, name, own, _joins(placed))
            if found is not None:
                return found
    return None


def _joins(block: Placed) -> str:
    """How a block uses the maps at the end of a branch."""
    return f"{block.name} {_JOINS[_merge(block.layer)]}"


_JOINS = {
    "add": "adds their maps to others",
    "concat": "puts their maps beside others",
    "multiply": "multiplies their maps with others",
}


def _merge(block: Layer) -> str:
    return block.merge if isinstance(block, Parallel) else "add"


class _Maps(NamedTuple):
    """The maps on their way to their readers."""

    pixels: int
    activated: bool
    """Whether an activation has been applied; the maps of silenced filters are zero from there."""
    own: frozenset[str]
    """The layers that become narrower with the filters, and the activation that ends them."""


def _readers(layers: Sequence[Placed], maps: _Maps, end: str) -> Iterator[Reader]:
    for placed in layers:
        layer, report = placed.layer, placed.report
        if isinstance(layer, FC):
            yield Reader(report.name, maps.pixels)
            return
        if isinstance(layer, Conv):
            if layer.groups != 1:
                raise _StuckError(f"{report.name} reads them in groups of equal size")
            yield Reader(report.name, 1)
            return
        if isinstance(layer, DWConv):
            raise _StuckError(f"{report.name} has filters for each of their maps")
        if placed.branches:
            if isinstance(layer, Parallel) and layer.split:
                raise _StuckError(f"{report.name} gives each branch an equal share of them")
            # From the last: a shortcut is named before the branch.
            for branch in reversed(placed.branches):
                yield from _readers(branch, maps, _joins(placed))
            return
        _require_harmless(layer, report, maps)
        activated = maps.activated or layer.info.is_activation
        maps = _Maps(_pixels(report), activated, maps.own)
    raise _StuckError(end)


def _require_harmless(layer: Layer, report: LayerReport, maps: _Maps) -> None:
    """Refuse layers that mix channels, or make something else than zero out of zeros."""
    if isinstance(layer, ChannelShuffle):
        raise _StuckError(f"{report.name} puts their maps into another order")
    if layer.info.role == "same-shape":
        raise _StuckError(f"{report.name} computes each map from others, too")
    if report.name in maps.own:
        return
    if maps.activated and isinstance(layer, BatchNorm):
        raise _StuckError(f"{report.name} after the activation turns their zeros into a constant")
    if report.weights > 1:
        raise _StuckError(f"{report.name} has weights for each of their maps")
    if layer.info.saturates and layer.info.bounds and layer.info.bounds[0] == 0:
        raise _StuckError(f"{report.name} turns their zeros into a constant")


def _pixels(report: LayerReport) -> int:
    return math.prod((report.output or [1])[1:])
