"""How each convolution is connected: what it reads, and where the maps of its filters are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import BatchNorm, Conv, DWConv, Layer, Parallel
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.norms import LayerScale
from cnn_tui.engine.specs.placed import Placed, place_network
from cnn_tui.engine.specs.windows import as_conv


class MapsOf(NamedTuple):
    """Maps among those of a layer."""

    layer: str
    """Empty for the images."""
    first: int = 0
    """The channel of the first of them."""


class Wired(NamedTuple):
    """A convolution with the layers around it."""

    name: str
    layer: Conv
    """A depthwise convolution as the grouped one that it is."""
    source: MapsOf
    """The maps that it reads."""
    norms: tuple[str, ...]
    """The batch norms and layer scales between it and its activation, or the end of its branch."""
    response: str
    """The layer whose output is what later layers get of its filters, channel by channel."""
    activation: Layer | None
    """The activation that makes that output; None where a sum or a learned layer comes first."""
    joined: MapsOf | None = None
    """The maps after the merge, where a branch ends first and an activation follows directly."""


def wired(network: Network) -> dict[str, Wired]:
    """Every convolution of a valid network by name, those inside blocks included."""
    layers = _chain(place_network(network, check(network)), MapsOf(""), None)
    return {conv.name: conv for conv in layers}


def _chain(layers: Sequence[Placed], source: MapsOf, joined: MapsOf | None) -> Iterator[Wired]:
    """The convolutions of a list of layers; ``joined`` is where its last maps go."""
    for position, placed in enumerate(layers):
        later = layers[position + 1 :]
        if placed.branches:
            start, ends = source, _ends(placed, later)
            for branch, end in zip(placed.branches, ends, strict=True):
                yield from _chain(branch, start, end)
                start = start._replace(first=start.first + _share(placed))
        elif isinstance(placed.layer, Conv | DWConv):
            layer = placed.layer
            layer = as_conv(layer, placed.shape[0]) if isinstance(layer, DWConv) else layer
            yield _wired(Wired(placed.name, layer, source, (), placed.name, None), later, joined)
        source = MapsOf(placed.name)


def _share(block: Placed) -> int:
    """The channels of its input that each branch of a block gets alone; 0 if each gets all."""
    layer = block.layer
    split = isinstance(layer, Parallel) and layer.split
    return block.shape[0] // len(layer.branches) if split else 0


def _ends(block: Placed, later: Sequence[Placed]) -> Iterator[MapsOf | None]:
    """What reads the maps at the end of each branch, past the merge."""
    after = later[0].name if later and later[0].layer.info.is_activation else ""
    beside = isinstance(block.layer, Parallel) and block.layer.merge == "concat"
    first = 0
    for branch in block.branches:
        channels = branch[-1].output[0] if branch else _share(block) or block.shape[0]
        # A product may spread one channel over all.
        kept = beside or channels == block.output[0]
        yield MapsOf(after, first) if after and kept else None
        first += channels if beside else 0


def _wired(conv: Wired, later: Sequence[Placed], joined: MapsOf | None) -> Wired:
    """Follow the maps of a convolution up to the first activation, past pools and dropout.

    What neither mixes channels nor learns a mixture keeps a dead filter dead, and equal ones equal.
    """
    for after in later:
        if after.layer.info.is_activation:
            return conv._replace(response=after.name, activation=after.layer)
        if isinstance(after.layer, BatchNorm | LayerScale):
            conv = conv._replace(norms=(*conv.norms, after.name), response=after.name)
        elif not (after.layer.info.is_elementwise or after.report.type in _POOLS):
            return conv
    return conv._replace(joined=joined)


_POOLS = ("maxpool", "avgpool", "global_avgpool", "global_maxpool", "adaptive_avgpool")
