"""The form of a network that slides over a larger image: FC layers as convolutions, no padding.

CS231n notes, Converting FC layers to CONV layers; Long, Shelhamer & Darrell 2015, section 3.1.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.insight.fields import fields
from cnn_tui.engine.specs.inside import Place, walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    Conv,
    DWConv,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Parallel,
    Repeat,
    Residual,
    pair,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm
from cnn_tui.engine.specs.places import known_shapes, label
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.rewrite import Rewrite
from cnn_tui.engine.specs.shaping import Pad
from cnn_tui.engine.specs.transforms import fc_to_conv


class SlidingForm(NamedTuple):
    """A network whose output is a map of scores, one place for each position of its window.

    Padding becomes a frame around the image: what a layer padded, the window reads from the image
    instead. Hence every position computes the same function.
    """

    rewrite: Rewrite | None
    """How the FC layers became convolutions; None without FC layers."""
    layers: tuple[Layer, ...]
    window: tuple[int, int]
    """Height and width of the pixels that one place of the map depends on."""
    stride: tuple[int, int]
    """Pixels between neighbouring places."""
    frame: tuple[int, int]
    """Pixels of the window above and left of the image that the network was trained on."""
    before: Network

    @property
    def margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels to add above and below, left and right of an image, so that its corners count."""
        down, across = (
            (frame, max(0, window - frame - size))
            for frame, window, size in zip(
                self.frame, self.window, self.before.input[1:], strict=True
            )
        )
        return down, across

    def places(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the map of a framed image; below 1 where the window has no room."""
        rows, columns = (
            (size - window) // stride + 1
            for size, window, stride in zip((height, width), self.window, self.stride, strict=True)
        )
        return rows, columns

    def network(self, rows: int, columns: int) -> Network:
        """The network for the framed image that gives a map of this size.

        A global average pool at the end makes one score per class of the map, as every network has.
        """
        sizes = (
            window + (places - 1) * stride
            for window, places, stride in zip(
                self.window, (rows, columns), self.stride, strict=True
            )
        )
        channels = self.before.input[0]
        changes = {"input": (channels, *sizes), "layers": (*self.layers, GlobalAvgPool())}
        return msgspec.structs.replace(self.before, **changes)


def sliding_form(network: Network) -> SlidingForm:
    """The form of a network that slides.

    Raises:
        ShapeError: if a block or a layer that mixes channels at the end prevents it.
    """
    for place, layer in walk_layers(network.layers):
        if why := _why_not(layer, repeated=len(place) > 1):
            raise ShapeError(
                f"{label(place, layer)}: {why}, so the network cannot slide over a larger image.",
                "Choose a network without such layers.",
            )
    last = max((i for i, layer in enumerate(network.layers) if isinstance(layer, FC)), default=None)
    rewrite = None if last is None else fc_to_conv(network, (last,))
    form = network if rewrite is None else rewrite.after
    layers = tuple(_bare(form, (at,), layer) for at, layer in enumerate(form.layers))
    down, across = list(fields(form).values())[-1]
    return SlidingForm(
        rewrite,
        layers,
        (down.size, across.size),
        (down.jump, across.jump),
        (-down.start, -across.start),
        network,
    )


def _why_not(layer: Layer, *, repeated: bool) -> str:
    """Why a layer computes something else at the edge, or on a larger image; empty if it does not.

    Zeros around the image are left out like the padding of a convolution.
    """
    match layer:
        case Residual() | Parallel():
            return "its branches are padded differently"
        case FC() | GlobalAvgPool() | GlobalMaxPool() if repeated:
            return "it reads all pixels and is repeated"
        case AdaptiveAvgPool():
            return "its windows follow the size of the image"
        case GroupNorm() | LayerNorm(over="volume"):
            return "it normalises by all pixels of the image"
        case MaxPool() | AvgPool() if layer.rounding == "ceil":
            return "its last windows are smaller than the others"
        case AvgPool(count_include_pad=False) if pair(layer.padding) != (0, 0):
            return "its windows at the edge are smaller than the others"
        case Pad() if layer.padding_mode != "zeros":
            return "it repeats pixels at the edge"
    return ""


def _bare(network: Network, place: Place, layer: Layer) -> Layer:
    """The layer without padding; a global average pool with the window that it had."""
    match layer:
        case GlobalAvgPool():
            (_, height, width), _ = known_shapes(network, place)
            return AvgPool(kernel_size=(height, width), stride=1, name=layer.name)
        case GlobalMaxPool():
            (_, height, width), _ = known_shapes(network, place)
            return MaxPool(kernel_size=(height, width), stride=1, name=layer.name)
        case Conv() | DWConv() | MaxPool() | AvgPool():
            return msgspec.structs.replace(layer, padding=0, rounding="exact")
        case Pad():
            return msgspec.structs.replace(layer, padding=0)
        case Repeat():
            inside = [_bare(network, (*place, 0, at), one) for at, one in enumerate(layer.layers)]
            return msgspec.structs.replace(layer, layers=tuple(inside))
    return layer
