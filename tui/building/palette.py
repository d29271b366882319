"""What can be put into a network: each kind of layer in one line, and how a new one begins."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)

EXPLANATIONS: dict[type[Layer], str] = {
    Conv: "filters slide over the volume, each for one pattern",
    MaxPool: "the strongest response of each window; halves the size",
    AvgPool: "the mean of each window",
    GlobalAvgPool: "one mean per channel: any size becomes 1x1",
    FC: "every output sees every input; the last gives scores",
    ReLU: "max(0, x): the usual non-linearity after conv and fc",
    LeakyReLU: "a ReLU that lets a little of the negative through",
    Sigmoid: "squashes to 0..1; saturates, seldom used inside now",
    Tanh: "squashes to -1..1; saturates as well, but is centred",
    Dropout: "drops activations at random; against overfitting",
    BatchNorm: "each channel to mean 0, spread 1; scale and shift",
    LRN: "neighbouring channels damp each other, as in AlexNet",
    Residual: "branch(x) + x: lets very deep networks learn",
}


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
