"""Edits as pure functions from a network and a path to another network.

A path is a tuple of 0-based positions: ``(3,)`` is the fourth layer, ``(3, 1)`` the second layer in
the branch of the fourth.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import LAYER_TYPES, BatchNorm, Conv, Layer, ReLU, Residual
from cnn_tui.engine.specs.network import Network

Path = tuple[int, ...]

Layers = tuple[Layer, ...]


def number(path: Path) -> str:
    """Format a path in 1-based positions: ``(3, 1)`` is ``4.2``."""
    return ".".join(str(position + 1) for position in path)


def siblings(network: Network, path: Path) -> Layers:
    """Return the list of layers that contains the last position of a path."""
    layers = network.layers
    for position in path[:-1]:
        layers = _branch(layers[position])
    return layers


def insert(network: Network, path: Path, *new: Layer) -> Network:
    """Insert layers before the one at ``path``, or at the end of its list."""
    return _edit(network, path, lambda layers, at: (*layers[:at], *new, *layers[at:]))


def replace(network: Network, path: Path, layer: Layer) -> Network:
    """Replace the layer at ``path``."""
    return _edit(network, path, lambda layers, at: (*layers[:at], layer, *layers[at + 1 :]))


def remove(network: Network, path: Path, count: int = 1) -> Network:
    """Delete ``count`` layers from ``path`` on, with their contents."""
    return _edit(network, path, lambda layers, at: (*layers[:at], *layers[at + count :]))


def duplicate(network: Network, path: Path, count: int = 1) -> Network:
    """Insert copies of ``count`` layers after them, without names: names are unique."""
    copies = map(unnamed, block(network, path, count))
    return insert(network, (*path[:-1], path[-1] + count), *copies)


def move(network: Network, path: Path, by: int, count: int = 1) -> tuple[Network, Path]:
    """Move ``count`` layers inside their list, at most to its ends."""
    last = len(siblings(network, path)) - count
    goal = (*path[:-1], max(0, min(path[-1] + by, last)))
    moved = block(network, path, count)
    return insert(remove(network, path, count), goal, *moved), goal


def block(network: Network, path: Path, count: int) -> Layers:
    """Return the ``count`` layers from ``path`` on."""
    return siblings(network, path)[path[-1] : path[-1] + count]


def unnamed(layer: Layer) -> Layer:
    """Return a copy without its name and the names inside it."""
    if isinstance(layer, Residual):
        layer = msgspec.structs.replace(layer, branch=tuple(map(unnamed, layer.branch)))
    return msgspec.structs.replace(layer, name="")


def _edit(network: Network, path: Path, change: Callable[[Layers, int], Layers]) -> Network:
    layers = _edit_layers(network.layers, path, change)
    return msgspec.structs.replace(network, layers=layers)


def _edit_layers(layers: Layers, path: Path, change: Callable[[Layers, int], Layers]) -> Layers:
    at, *inner = path
    if not inner:
        return change(layers, at)
    branch = _edit_layers(_branch(layers[at]), tuple(inner), change)
    changed = msgspec.structs.replace(layers[at], branch=branch)
    return (*layers[:at], changed, *layers[at + 1 :])


def _branch(layer: Layer) -> Layers:
    if not isinstance(layer, Residual):
        raise IndexError(f"a {type(layer).__name__} has no layers inside")
    return layer.branch


def new_layer(kind: str, received: Shape | None, classes: int) -> Layer:
    """Return a new layer; a convolution and a block keep height and width.

    Args:
        kind: The type of the layer in files.
        received: The shape of its input, if known.
        classes: The number of scores that the data needs, the outputs of a new fc layer.
    """
    channels = received[0] if received is not None and len(received) == 3 else 16
    required: dict[str, dict[str, object]] = {
        "conv": {"out_channels": max(16, channels), "kernel_size": 3, "padding": 1},
        "fc": {"out_features": classes},
        "residual": {"branch": _usual_branch(channels)},
    }
    return msgspec.convert({"type": kind, **required.get(kind, {})}, LAYER_TYPES[kind])


def _usual_branch(channels: int) -> tuple[Layer, ...]:
    conv = Conv(out_channels=channels, kernel_size=3, padding=1, bias=False)
    return (conv, BatchNorm(), ReLU(), conv, BatchNorm())
