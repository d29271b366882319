"""A network as volumes to scale: heights are pixels, widths are channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnn_tui.engine.specs.layers import LAYER_TYPES
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Report

GAP = 1
_WIDEST, _SHARE = 14, 6
"""The most columns of a volume: this many, or this part of the screen."""


class DrawnVolume(NamedTuple):
    """The output of some consecutive layers."""

    layers: tuple[int, ...]
    """The numbers of the layers that have the volume, 0 for the input."""
    kind: str
    """The type of the first of these layers."""
    shape: tuple[int, ...]


class Box(NamedTuple):
    """A volume as drawn, in columns and half rows."""

    volume: DrawnVolume
    width: int
    height: int


def volumes(network: Network, report: Report) -> tuple[DrawnVolume, ...]:
    """Return the input and every volume after it, up to the first unknown one."""
    drawn = [DrawnVolume((0,), "input", network.input)]
    for number, layer in enumerate(report.layers, 1):
        if layer.output is None:
            break
        shape, last = tuple(layer.output), drawn[-1]
        if LAYER_TYPES[layer.type].info.keeps_shape and shape == last.shape:
            # It is drawn as part of the previous volume.
            drawn[-1] = DrawnVolume((*last.layers, number), last.kind, shape)
        else:
            drawn.append(DrawnVolume((number,), layer.type, shape))
    return tuple(drawn)


def to_scale(drawn: Sequence[DrawnVolume], columns: int, halves: int) -> tuple[Box, ...]:
    """Return boxes as large as ``columns`` and ``halves`` allow, at least one cell each.

    A flat volume is a bar of one column, in proportion to the longest.
    """
    pixels = max((max(volume.shape[1:]) for volume in drawn if len(volume.shape) == 3), default=1)
    outputs = max((volume.shape[0] for volume in drawn if len(volume.shape) == 1), default=1)
    scale = _channel_scale(drawn, columns)
    return tuple(_block(volume, scale, halves / pixels, halves / outputs) for volume in drawn)


def _block(volume: DrawnVolume, channel: float, pixel: float, output: float) -> Box:
    if len(volume.shape) == 1:
        return Box(volume, 1, max(1, round(volume.shape[0] * output)))
    return Box(
        volume,
        max(1, round(volume.shape[0] * channel)),
        max(1, round(max(volume.shape[1:]) * pixel)),
    )


def _channel_scale(drawn: Sequence[DrawnVolume], columns: int) -> float:
    """Return columns per channel such that all boxes fit if possible and none is too wide."""
    channels = [volume.shape[0] for volume in drawn if len(volume.shape) == 3]
    largest = max(channels)
    if (1 + GAP) * len(drawn) - GAP > columns:
        return 1 / largest
    for widest in range(max(_WIDEST, columns // _SHARE), 1, -1):
        scale = widest / largest
        taken = sum(max(1, round(count * scale)) for count in channels)
        if taken + len(drawn) - len(channels) + GAP * (len(drawn) - 1) <= columns:
            return scale
    return 1 / largest


def window(blocks: Sequence[Box], chosen: int, columns: int) -> range:
    """Return the range of boxes around the selected one that fit side by side."""
    first = last = chosen
    room = columns - blocks[chosen].width
    while True:
        before = blocks[first - 1].width + GAP if first else columns
        after = blocks[last + 1].width + GAP if last + 1 < len(blocks) else columns
        if min(before, after) > room:
            return range(first, last + 1)
        if after <= room and (before > room or last - chosen <= chosen - first):
            last, room = last + 1, room - after
        else:
            first, room = first - 1, room - before
