"""A convolution as the matrix of a fully connected layer: its size, without making it.

CS231n notes, Converting FC layers to CONV layers: the matrix is mostly zero, since each output
sees only a window, and many of its entries are equal, since all windows share their weights.
"""

from __future__ import annotations

import msgspec

from cnn_tui.engine.shapes import Shape, Window, output_size
from cnn_tui.engine.specs.layers import Conv
from cnn_tui.engine.specs.windows import windows


class MatrixFacts(msgspec.Struct, frozen=True):
    """The matrix that does what a convolution does, each count of entries."""

    rows: int
    """Outputs: one for each filter and place."""
    columns: int
    """Inputs: one for each pixel and channel."""
    connected: int
    """Entries that hold a weight, some weight many times."""
    free: int
    """Different weights among them: those of the convolution."""

    @property
    def entries(self) -> int:
        """All of them."""
        return self.rows * self.columns

    @property
    def zeros(self) -> int:
        """Entries that are zero whatever the weights are."""
        return self.entries - self.connected


def matrix_facts(layer: Conv, shape: Shape) -> MatrixFacts:
    """The matrix of a convolution that fits a volume of ``shape`` (C, H, W)."""
    channels, height, width = shape
    down, across = windows(layer)
    places = output_size(height, down) * output_size(width, across)
    per_channel = _taps_inside(height, down) * _taps_inside(width, across)
    filters = layer.out_channels * (channels // layer.groups)
    return MatrixFacts(
        rows=layer.out_channels * places,
        columns=channels * height * width,
        connected=filters * per_channel,
        free=filters * down.kernel * across.kernel,
    )


def _taps_inside(size: int, window: Window) -> int:
    """Pairs of a place and a pixel that its window reads, padding left out."""
    return sum(
        0 <= place * window.stride - window.padding + tap * window.dilation < size
        for place in range(output_size(size, window))
        for tap in range(window.kernel)
    )
