"""What ONNX operators do to the shape of a volume alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnn_tui.engine.importing.onnx_layers import LearnedLayers


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
