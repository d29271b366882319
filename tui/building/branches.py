"""Edits of blocks as a whole: their branches, and wrapping layers into them."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.specs.blocks import projection
from cnn_tui.engine.specs.inside import Layers, lists_in, with_lists
from cnn_tui.engine.specs.layers import MAX_BRANCHES, Layer, Parallel, Repeat, Residual
from cnn_tui.engine.specs.network import MAX_LAYERS, Network
from cnn_tui.engine.specs.places import layer_at, replace_at
from cnn_tui.tui.building.edits import Path, block, insert, remove, replace, unnamed

WRAPS = ("residual", "parallel", "repeat")
"""The kinds of blocks that layers are wrapped into."""


def wrap(network: Network, path: Path, count: int, kind: str) -> Network:
    """Put ``count`` layers into a new block in their place."""
    layers = block(network, path, count)
    made: dict[str, Layer] = {
        "residual": Residual(branch=layers),
        "parallel": Parallel(branches=(layers, ())),
        "repeat": Repeat(layers=layers),
    }
    return insert(remove(network, path, count), path, made[kind])


def unwrap(network: Network, path: Path, *, copies: bool = False) -> Network:
    """Put the layers of a block in its place.

    Branches follow each other, the shortcut of a residual block is dropped.

    Args:
        network: The network to change.
        path: The place of the block.
        copies: Whether repeated layers are written as often as they are repeated.
    """
    layers = unwrapped(layer_at(network, path), copies=copies)
    return msgspec.structs.replace(network, layers=replace_at(network.layers, path, layers))


def unwrapped(layer: Layer, *, copies: bool = False) -> Layers:
    """Return the layers that take the place of a block."""
    match layer:
        case Residual():
            return layer.branch
        case Repeat() if copies and layer.times * len(layer.layers) <= MAX_LAYERS:
            further = range(layer.times - 1)
            return (*layer.layers, *(unnamed(inner) for _ in further for inner in layer.layers))
    return tuple(inner for layers in lists_in(layer) for inner in layers)


def block_around(network: Network, path: Path) -> Path | None:
    """Return the path of the innermost block with branches at or around a row; None without."""
    ends = range(len(path) - (len(path) + 1) % 2, 0, -2)
    blocks = (path[:end] for end in ends)
    kinds = (Parallel, Residual)
    return next((at for at in blocks if isinstance(layer_at(network, at), kinds)), None)


def add_branch(network: Network, path: Path, channels: int) -> tuple[Network, Path]:
    """Add an empty branch after the one at ``path``, or layers to a shortcut that has none.

    Args:
        network: The network to change.
        path: The place of a block, or of a row inside it.
        channels: What a projection written out in layers has to give.

    Returns:
        The network, and the path of what was added; the same network if there is no room.
    """
    at = block_around(network, path)
    if at is None:
        return network, path
    whole = layer_at(network, at)
    if isinstance(whole, Parallel):
        new = path[len(at)] + 1 if len(path) > len(at) else len(whole.branches)
        if len(whole.branches) == MAX_BRANCHES:
            return network, path
        lists = (*whole.branches[:new], (), *whole.branches[new:])
        return replace(network, at, with_lists(whole, lists)), (*at, new)
    assert isinstance(whole, Residual), "no other block has branches"
    if not isinstance(whole.shortcut, str):
        return network, path
    written = projection(channels, whole.stride) if whole.shortcut == "projection" else ()
    changed = msgspec.structs.replace(whole, shortcut=written, stride=1)
    return replace(network, at, changed), (*at, 1)


def remove_branch(network: Network, path: Path) -> tuple[Network, Path]:
    """Delete a branch, or the layers of a shortcut; the last branch stays."""
    *above, at = path
    whole = layer_at(network, tuple(above))
    if isinstance(whole, Residual) and at:
        identity = msgspec.structs.replace(whole, shortcut="identity")
        return replace(network, tuple(above), identity), tuple(above)
    lists = lists_in(whole)
    if not isinstance(whole, Parallel) or len(lists) == 1:
        return network, path
    left = (*lists[:at], *lists[at + 1 :])
    next_one = (*above, min(at, len(left) - 1))
    return replace(network, tuple(above), with_lists(whole, left)), next_one


def duplicate_branch(network: Network, path: Path) -> tuple[Network, Path]:
    """Insert a copy of a branch after it; returns the same network if there is no room."""
    *above, at = path
    whole = layer_at(network, tuple(above))
    if not isinstance(whole, Parallel) or len(whole.branches) == MAX_BRANCHES:
        return network, path
    copied = tuple(map(unnamed, whole.branches[at]))
    lists = (*whole.branches[: at + 1], copied, *whole.branches[at + 1 :])
    return replace(network, tuple(above), with_lists(whole, lists)), (*above, at + 1)


def move_branch(network: Network, path: Path, by: int) -> tuple[Network, Path]:
    """Move a branch among those of its block, at most to the ends."""
    *above, at = path
    whole = layer_at(network, tuple(above))
    if not isinstance(whole, Parallel):
        return network, path
    lists = list(whole.branches)
    goal = max(0, min(at + by, len(lists) - 1))
    lists.insert(goal, lists.pop(at))
    return replace(network, tuple(above), with_lists(whole, lists)), (*above, goal)
