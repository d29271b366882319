"""How each convolution is connected: what it reads, and where the maps of its filters are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnn_tui.engine.specs.blocks import projection
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import BatchNorm, Conv, Layer, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport


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
    """Every convolution of a valid network by name, those inside residual blocks included."""
    layers = _chain(network.layers, check(network).layers, "", "")
    return {conv.name: conv for conv in layers}


def _chain(
    layers: Sequence[Layer], reports: Sequence[LayerReport], source: str, joined: str
) -> Iterator[Wired]:
    """The convolutions of a list of layers; ``joined`` is the activation after the list."""
    for position, (layer, report) in enumerate(zip(layers, reports, strict=True)):
        later, after = layers[position + 1 :], reports[position + 1 :]
        if isinstance(layer, Residual):
            end = after[0].name if later and later[0].info.is_activation else ""
            yield from _chain(layer.branch, report.branch, source, end)
            if layer.shortcut == "projection":
                side = projection((report.output or [0])[0], layer.stride)
                yield from _chain(side, report.shortcut, source, end)
        elif isinstance(layer, Conv):
            yield _wired(
                Wired(report.name, layer, source, (), report.name, None), later, after, joined
            )
        source = report.name


def _wired(
    conv: Wired, later: Sequence[Layer], reports: Sequence[LayerReport], joined: str
) -> Wired:
    """Follow the maps of a convolution up to the first activation, past pools and dropout.

    What neither mixes channels nor learns a mixture keeps a dead filter dead, and equal ones equal.
    """
    for after, report in zip(later, reports, strict=True):
        if after.info.is_activation:
            return conv._replace(response=report.name, activation=after)
        if isinstance(after, BatchNorm):
            conv = conv._replace(norms=(*conv.norms, report.name), response=report.name)
        elif not (after.info.is_elementwise or report.type in _POOLS):
            return conv
    return conv._replace(joined=joined)


_POOLS = ("maxpool", "avgpool", "global_avgpool", "global_maxpool", "adaptive_avgpool")
