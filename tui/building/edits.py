"""Edits as pure functions from a network and a path to another network.

A path is a place of :mod:`cnn_tui.engine.specs.inside`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.inside import Layers, Place, lists_in, with_lists
from cnn_tui.engine.specs.layers import LAYER_TYPES, BatchNorm, Conv, Layer, ReLU
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import edit_at, layer_at, list_at

Path = Place


def siblings(network: Network, path: Path) -> Layers:
    """Return the list of layers that contains the last position of a path."""
    return list_at(network.layers, path)


def insert(network: Network, path: Path, *new: Layer) -> Network:
    """Insert layers before the one at ``path``, or at the end of its list."""
    return _edit(network, path, lambda layers, at: (*layers[:at], *new, *layers[at:]))


def replace(network: Network, path: Path, layer: Layer) -> Network:
    """Replace the layer at ``path``."""
    return _edit(network, path, lambda layers, at: (*layers[:at], layer, *layers[at + 1 :]))


def remove(network: Network, path: Path, count: int = 1) -> Network:
    """Delete ``count`` layers from ``path`` on, with their contents."""
    return _edit(network, path, lambda layers, at: (*layers[:at], *layers[at + count :]))


def beside(network: Network, path: Path) -> Path:
    """Return the place itself, or the last one of its list, or that of the list if it is empty."""
    *above, at = path
    left = len(siblings(network, path))
    return (*above, min(at, left - 1)) if left else tuple(above)


def duplicate(network: Network, path: Path, count: int = 1) -> Network:
    """Insert copies of ``count`` layers after them, without names: names are unique."""
    copies = map(unnamed, block(network, path, count))
    return insert(network, (*path[:-1], path[-1] + count), *copies)


def move(
    network: Network,
    path: Path,
    by: int,
    count: int = 1,
    enters: Callable[[Layer], bool] = lambda block: False,
) -> tuple[Network, Path]:
    """Move ``count`` layers row by row: over a layer, or across the end of their list.

    Behind the last layer of a branch comes the next branch, then what follows the block.

    Args:
        network: The network to change.
        path: The place of the first of the layers.
        by: Rows downwards; negative numbers move upwards.
        count: The number of layers that stay together.
        enters: Whether a block is entered rather than jumped over.
    """
    left = abs(by)
    while left:
        goal = _next_goal(network, path, 1 if by > 0 else -1, count, enters)
        if goal is None:
            break
        moved = insert(remove(network, path, count), goal, *block(network, path, count))
        left -= moved != network  # over an equal layer it goes on: nothing would change
        network, path = moved, goal
    return network, path


def _next_goal(
    network: Network, path: Path, by: int, count: int, enters: Callable[[Layer], bool]
) -> Path | None:
    """Where layers go next, once they are taken out; None at the ends of the network."""
    *above, at = path
    beside = at + count if by > 0 else at - 1
    if 0 <= beside < len(siblings(network, path)):
        neighbour = layer_at(network, (*above, beside))
        lists = lists_in(neighbour)
        if not lists or not enters(neighbour):
            return (*above, at + by)
        return (*above, at, 0, 0) if by > 0 else (*above, at - 1, len(lists) - 1, len(lists[-1]))
    if not above:
        return None
    *outside, position, inner = above
    lists = lists_in(layer_at(network, (*outside, position)))
    if 0 <= inner + by < len(lists):
        return (*outside, position, inner + by, 0 if by > 0 else len(lists[inner + by]))
    return (*outside, position + (by > 0))


def block(network: Network, path: Path, count: int) -> Layers:
    """Return the ``count`` layers from ``path`` on."""
    return siblings(network, path)[path[-1] : path[-1] + count]


def own(layer: Layer) -> Layer:
    """Return a copy that shares no layer with others: blocks are folded one by one."""
    return msgspec.structs.replace(
        with_lists(layer, [tuple(map(own, inner)) for inner in lists_in(layer)])
    )


def unnamed(layer: Layer) -> Layer:
    """Return a copy without its name and the names inside it."""
    layer = with_lists(layer, [tuple(map(unnamed, inner)) for inner in lists_in(layer)])
    return msgspec.structs.replace(layer, name="")


def _edit(network: Network, path: Path, change: Callable[[Layers, int], Layers]) -> Network:
    layers = edit_at(network.layers, path, lambda layers: change(layers, path[-1]))
    return msgspec.structs.replace(network, layers=layers)


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
        "parallel": {"branches": (_usual_branch(channels), ())},
        "repeat": {"layers": _usual_branch(channels)},
    }
    return msgspec.convert({"type": kind, **required.get(kind, {})}, LAYER_TYPES[kind])


def _usual_branch(channels: int) -> tuple[Layer, ...]:
    conv = Conv(out_channels=channels, kernel_size=3, padding=1, bias=False)
    return (conv, BatchNorm(), ReLU(), conv, BatchNorm())
