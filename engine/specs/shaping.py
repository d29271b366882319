"""Layers that move values without computing: padding and channel shuffle.

A new one is a class here, its name in ``Shaping``, and a row each in
:mod:`cnn_tui.engine.specs.infer` and :mod:`cnn_tui.engine.layers.lower`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.info import Counterpart, Flag, LayerInfo, LayerSpec, Setting
from cnn_tui.engine.specs.sizes import PADDING, Features
from cnn_tui.engine.specs.sizes import Pad as PadSize

Sides = Annotated[tuple[PadSize, ...], msgspec.Meta(min_length=4, max_length=4)]


class Pad(LayerSpec, frozen=True, tag="pad"):
    """Adds pixels around the volume: zeros, its mirror image, or its outermost pixels.

    ``padding`` is one number, or ``[left, right, top, bottom]`` as in PyTorch.
    """

    info = LayerInfo(
        ("pad", "zeropad"),
        "padding as a layer: PIXELS",
        "pixels around the volume, also unlike on each side",
        Counterpart("ZeroPad2d"),
        Counterpart("Pad"),
        needs_volume=True,
        example="pad 0x1x0x1",
        places=("padding",),
        settings=(PADDING,),
        flags=(
            Flag("padding_mode", "zeros", ("zeros",)),
            Flag("padding_mode", "reflect", ("reflect",)),
            Flag("padding_mode", "replicate", ("replicate",)),
        ),
        brief="{0.words}",
        family="pool",
    )

    padding: PadSize | Sides = 1
    padding_mode: Literal["zeros", "reflect", "replicate"] = "zeros"

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """Pixels on the left, on the right, above and below."""
        size = self.padding
        if isinstance(size, int):
            return (size, size, size, size)
        return (size[0], size[1], size[2], size[3])

    @property
    def words(self) -> str:
        """The settings in short."""
        size = self.padding if isinstance(self.padding, int) else format_shape(self.sides)
        return f"{size}" if self.padding_mode == "zeros" else f"{size} {self.padding_mode}"


class ChannelShuffle(LayerSpec, frozen=True, tag="channel_shuffle"):
    """Takes the channels of ``groups`` groups in turns (Zhang et al. 2018)."""

    info = LayerInfo(
        ("channel_shuffle", "channelshuffle"),
        "channel shuffle: GROUPS",
        "mixes the channels of the groups of a convolution",
        Counterpart("ChannelShuffle", {"groups": "groups"}),
        Counterpart("Gather"),
        "same-shape",
        needs_volume=True,
        example="channel_shuffle 2",
        places=("groups",),
        settings=(Setting("groups", ("groups",), "g", ("2",)),),
        brief="{0.groups} groups",
        family="pool",
    )

    groups: Features = 2


Shaping = Pad | ChannelShuffle
