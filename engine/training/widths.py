"""The same network with wider or narrower hidden layers."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.specs.layers import FC, Conv, Layer, Residual
from cnn_tui.engine.specs.network import Network

_MOST = 65536


def scale_widths(network: Network, factor: float) -> Network:
    """Every convolution and fully connected layer but the last with ``factor`` times the outputs.

    Layers of equal width stay equal. Whether residual blocks still fit is for
    :func:`cnn_tui.engine.specs.check.check` to say.
    """
    weighted = [i for i, layer in enumerate(network.layers) if isinstance(layer, Conv | FC)]
    last = weighted[-1] if weighted else -1
    layers = tuple(
        layer if number == last else _scaled(layer, factor)
        for number, layer in enumerate(network.layers)
    )
    return msgspec.structs.replace(network, layers=layers)


def _scaled(layer: Layer, factor: float) -> Layer:
    match layer:
        case Conv():
            groups = max(1, round(layer.out_channels * factor / layer.groups))
            width = min(groups * layer.groups, _MOST // layer.groups * layer.groups)
            return msgspec.structs.replace(layer, out_channels=width)
        case FC():
            width = min(max(1, round(layer.out_features * factor)), _MOST)
            return msgspec.structs.replace(layer, out_features=width)
        case Residual():
            branch = tuple(_scaled(inner, factor) for inner in layer.branch)
            return msgspec.structs.replace(layer, branch=branch)
    return layer
