"""How each convolution is connected: what it reads, and where the maps of its filters are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import BatchNorm, Conv, Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import Placed, place_network


class Wired(NamedTuple):
    """A convolution with the layers around it."""

    name: str
    layer: Conv
    source: str
    """The layer whose output it reads; empty for the images."""
    norms: tuple[str, ...]
    """The batch norms between it and its activation, or the sum that its branch ends in."""
    response: str
    """The layer whose output is what later layers get of its filters, channel by channel."""
    activation: Layer | None
    """The activation that makes that output; None where a sum or a learned layer comes first."""
    joined: str = ""
    """Where a sum comes first: the activation directly after it, if there is one."""


def wired(network: Network) -> dict[str, Wired]:
    """Every convolution of a valid network by name, those inside blocks included."""
    layers = _chain(place_network(network, check(network)), "", "")
    return {conv.name: conv for conv in layers}


def _chain(layers: Sequence[Placed], source: str, joined: str) -> Iterator[Wired]:
    """The convolutions of a list of layers; ``joined`` is the activation after the list."""
    for position, placed in enumerate(layers):
        later = layers[position + 1 :]
        if placed.branches:
            end = later[0].name if later and later[0].layer.info.is_activation else ""
            for branch in placed.branches:
                yield from _chain(branch, source, end)
        elif isinstance(placed.layer, Conv):
            conv = Wired(placed.name, placed.layer, source, (), placed.name, None)
            yield _wired(conv, later, joined)
        source = placed.name


def _wired(conv: Wired, later: Sequence[Placed], joined: str) -> Wired:
    """Follow the maps of a convolution up to the first activation, past pools and dropout.

    What neither mixes channels nor learns a mixture keeps a dead filter dead, and equal ones equal.
    """
    for after in later:
        if after.layer.info.is_activation:
            return conv._replace(response=after.name, activation=after.layer)
        if isinstance(after.layer, BatchNorm):
            conv = conv._replace(norms=(*conv.norms, after.name), response=after.name)
        elif not (after.layer.info.is_elementwise or after.report.type in _POOLS):
            return conv
    return conv._replace(joined=joined)


_POOLS = ("maxpool", "avgpool", "global_avgpool", "global_maxpool", "adaptive_avgpool")
