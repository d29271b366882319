"""The addition that ends a residual block: what the two sides give, and whether they are alike."""

from __future__ import annotations

from typing import NamedTuple

from cnn_tui.engine.shapes import Shape, Window, format_shape, output_size
from cnn_tui.engine.specs.layers import Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import layer_at, received_by
from cnn_tui.engine.specs.report import Report
from cnn_tui.tui.building.edits import Path


class Sides(NamedTuple):
    """The volumes that are added; None where one is not known."""

    branch: Shape | None
    shortcut: Shape | None


def added(network: Network, report: Report, path: Path) -> Sides:
    """Both sides of the block at ``path``."""
    block = layer_at(network, path)
    assert isinstance(block, Residual), "only a block has sides"
    branch = received_by(network, report, (*path, len(block.branch))) if block.branch else None
    return Sides(branch, _shortcut(block, received_by(network, report, path), branch))


def addition_words(network: Network, report: Report, path: Path) -> tuple[str, ...]:
    """The sum in a few lines."""
    branch, shortcut = added(network, report, path)
    sides = {"branch": branch, "shortcut": shortcut}
    lines = tuple(f"{side:<8}  {format_shape(shape or '?')}" for side, shape in sides.items())
    if branch is None or shortcut is None:
        return (*lines, "one side is open")
    if branch != shortcut:
        return (*lines, "not alike: cannot be added")
    return (*lines, "alike: added value by value")


def _shortcut(block: Residual, received: Shape | None, branch: Shape | None) -> Shape | None:
    """What the shortcut makes of its input (He et al. 2016, section 3.3)."""
    if received is None or block.shortcut == "identity":
        return received
    if len(received) != 3 or branch is None:
        return None
    pixels = tuple(output_size(size, Window(1, block.stride)) for size in received[1:])
    channels = branch[0] if block.shortcut == "projection" else max(branch[0], received[0])
    return (channels, *pixels)
