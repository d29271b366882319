"""How a layer begins that is put into a network."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import LAYER_TYPES, BatchNorm, Conv, Layer, ReLU


def new_layer(kind: str, received: Shape | None, classes: int) -> Layer:
    """A layer to begin with; a convolution and a block keep height and width as they are.

    Args:
        kind: Its type as files have it.
        received: The volume at its place, if known.
        classes: Scores that the data asks for, what a new fully connected layer gives.
    """
    channels = received[0] if received is not None and len(received) == 3 else 16
    required: dict[str, dict[str, object]] = {
        "conv": {"out_channels": max(16, channels), "kernel_size": 3, "padding": 1},
        "fc": {"out_features": classes},
        "residual": {"branch": _branch(channels)},
    }
    return msgspec.convert({"type": kind, **required.get(kind, {})}, LAYER_TYPES[kind])


def _branch(channels: int) -> tuple[Layer, ...]:
    conv = Conv(out_channels=channels, kernel_size=3, padding=1, bias=False)
    return (conv, BatchNorm(), ReLU(), conv, BatchNorm())
