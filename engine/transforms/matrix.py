"""The matrix with which an FC layer does what a convolution does."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.shapes import Shape, Window, output_size
from cnn_tui.engine.specs.layers import Conv
from cnn_tui.engine.specs.matrix import matrix_facts
from cnn_tui.engine.specs.windows import windows

MAX_ENTRIES = 1 << 26
"""256 MB of float32: what may still be made while somebody waits."""


def conv_matrix(layer: Conv, weight: Array, shape: Shape) -> Array:
    """A matrix ``(F*H'*W', C*H*W)`` for filters ``(F, C/groups, KH, KW)`` on a volume ``shape``.

    Rows and columns are in PyTorch's order of flattened volumes.

    Raises:
        ShapeError: if it would have more than MAX_ENTRIES entries.
    """
    facts = matrix_facts(layer, shape)
    if facts.entries > MAX_ENTRIES:
        size = f"{facts.rows:,} x {facts.columns:,}"
        raise ShapeError(
            f"the matrix would have {size} = {facts.entries:,} entries.",
            f"At most {MAX_ENTRIES:,} are made; take a later layer or a smaller input.",
        )
    _, height, width = shape
    down, across = windows(layer)
    places = output_size(height, down), output_size(width, across)
    matrix = np.zeros((layer.out_channels, *places, *shape), weight.dtype)
    for filters, channels in _groups(layer, shape[0]):
        part = matrix[filters, :, :, channels]
        for row in range(down.kernel):
            for column in range(across.kernel):
                y, pixel_y = _readers(height, down, row)
                x, pixel_x = _readers(width, across, column)
                # (places, places, F, C): the indexed axes come first.
                part[:, y[:, None], x, :, pixel_y[:, None], pixel_x] = weight[
                    filters, :, row, column
                ]
    return matrix.reshape(facts.rows, facts.columns)


def _groups(layer: Conv, channels: int) -> list[tuple[slice, slice]]:
    """Filters and the channels that they read."""
    wide, deep = layer.out_channels // layer.groups, channels // layer.groups
    return [
        (slice(i * wide, (i + 1) * wide), slice(i * deep, (i + 1) * deep))
        for i in range(layer.groups)
    ]


def _readers(size: int, window: Window, tap: int) -> tuple[np.ndarray, np.ndarray]:
    """The places whose window has a pixel at ``tap``, and that pixel."""
    places = np.arange(output_size(size, window))
    pixels = places * window.stride - window.padding + tap * window.dilation
    inside = (pixels >= 0) & (pixels < size)
    return places[inside], pixels[inside]
