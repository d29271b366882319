"""Small networks made in code, LeNet-5, and what is offered for one that has a fault."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.flow import Edit
from cnn_tui.engine.specs.layers import FC, Conv, Layer, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset

LENET = load_preset("lenet5")


def net(*layers: Layer, size: int = 28, channels: int = 1) -> Network:
    return Network(input=(channels, size, size), layers=layers)


def lenet(stride: int = 1, scores: int = 10) -> Network:
    return net(
        Conv(out_channels=6, kernel_size=5, padding=2),
        ReLU(),
        MaxPool(),
        Conv(out_channels=16, kernel_size=5, stride=stride),
        ReLU(),
        MaxPool(),
        FC(out_features=120),
        ReLU(),
        FC(out_features=84),
        ReLU(),
        FC(out_features=scores),
    )


def changed(network: Network = LENET, **fields: object) -> Network:
    return msgspec.structs.replace(network, **fields)


def with_layer(at: int, **fields: object) -> Network:
    layer = msgspec.structs.replace(LENET.layers[at], **fields)
    return changed(layers=(*LENET.layers[:at], layer, *LENET.layers[at + 1 :]))


def first_fix(network: Network, *edits: Edit) -> tuple[str, Network]:
    """The first fix of the first issue, and the network that it makes."""
    fix = check_with_data(network, edits).issues[0].fixes[0]
    return fix.description, apply_fix(network, fix)
