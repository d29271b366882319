"""ONNX operators that change nothing but the shape of a volume."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cnn_tui.engine.importing.onnx_file import Node
from cnn_tui.engine.importing.onnx_layers import LearnedLayers
from cnn_tui.engine.importing.onnx_settings import refused
from cnn_tui.engine.specs.shaping import ChannelShuffle


def flattens(wanted: Sequence[float] | None, assembly: LearnedLayers) -> bool:
    """Whether a ``Reshape`` to these sizes makes a row of each image."""
    size = math.prod(assembly.shape)
    if wanted is None or len(wanted) != 2:
        return False
    return wanted[1] == size or (wanted[1] == -1 and wanted[0] != -1)


def is_volume_again(wanted: Sequence[float] | None, assembly: LearnedLayers) -> bool:
    """Whether a ``Reshape`` to these sizes gives each channel of a row one pixel."""
    if wanted is None or len(wanted) != 4:
        return False
    places = [1 + assembly.layout.index(axis) for axis in "CHW"]
    channels, *sizes = (wanted[place] for place in places)
    return sizes == [1, 1] and channels in (-1, 0, assembly.shape[0])


def moved(layout: str, perm: Sequence[int]) -> str:
    """Return the order of sizes after a ``Transpose`` that leaves the batch in its place."""
    return "".join(("N" + layout)[axis] for axis in perm[1:])


def add_shuffle(node: Node, order: np.ndarray, assembly: LearnedLayers) -> None:
    """Append a channel shuffle that takes the channels in this order.

    Raises:
        SpecError: if it is not one of groups in turns.
    """
    channels = assembly.shape[0]
    # The second channel after the shuffle is the first one of the second group.
    size = int(order[1]) if order.size > 1 else 0
    groups = channels // size if 0 < size <= channels and channels % size == 0 else 1
    expected = np.arange(channels).reshape(groups, -1).T.ravel()
    if order.shape != expected.shape or (order != expected).any():
        raise refused(node, "takes channels in an order that is not a shuffle of groups")
    assembly.add(ChannelShuffle(groups=groups), node.where)
