"""Where in the image a value of a layer looks: its receptive field, as pixels of the input.

Size and jump as in Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks;
the start follows from the padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnn_tui.engine.shapes import Shape, Window, adaptive_window
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, GlobalAvgPool, Layer, pair
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import Placed, place_network
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.shaping import Pad
from cnn_tui.engine.specs.windows import Windowed, windows


class AxisField(NamedTuple):
    """The pixels along one axis that the values of a layer depend on."""

    size: int = 1
    """Extent of the pixels of one value."""
    jump: int = 1
    """Distance between the pixels of neighbouring values."""
    start: int = 0
    """First pixel of the first value; negative in the padding."""

    def through(self, window: Window) -> AxisField:
        """The field after a window."""
        return AxisField(
            self.size + (window.span - 1) * self.jump,
            self.jump * window.stride,
            self.start - window.padding * self.jump,
        )

    def joined(self, other: AxisField) -> AxisField:
        """The field of a value that depends on one of each layer; the jump is that of the first."""
        start = min(self.start, other.start)
        end = max(self.start + self.size, other.start + other.size)
        return AxisField(end - start, self.jump, start)

    def pixels(self, place: int, length: int) -> tuple[int, int]:
        """First pixel of the value at ``place``, and the one after the last, within ``length``."""
        first = self.start + place * self.jump
        return max(0, first), min(length, first + self.size)


class LayerField(NamedTuple):
    """The receptive field of a layer along both axes."""

    rows: AxisField = AxisField()
    columns: AxisField = AxisField()

    def through(self, kind: Layer, shape: Shape) -> LayerField:
        """The field after a layer on a volume of ``shape``."""
        if isinstance(kind, Windowed):
            over_rows, over_columns = windows(kind)
            return LayerField(self.rows.through(over_rows), self.columns.through(over_columns))
        if isinstance(kind, Pad):
            left, _, top, _ = kind.sides
            return LayerField(
                self.rows._replace(start=self.rows.start - top * self.rows.jump),
                self.columns._replace(start=self.columns.start - left * self.columns.jump),
            )
        if isinstance(kind, AdaptiveAvgPool):
            over_rows, over_columns = map(adaptive_window, shape[1:], pair(kind.output_size))
            return LayerField(self.rows.through(over_rows), self.columns.through(over_columns))
        if isinstance(kind, FC | GlobalAvgPool | GlobalMaxPool) and len(shape) == 3:
            _, height, width = shape
            whole = Window(height), Window(width)
            return LayerField(self.rows.through(whole[0]), self.columns.through(whole[1]))
        return self


def fields(network: Network) -> dict[str, LayerField]:
    """The receptive field of each layer by name, those inside blocks included.

    A block has the field of all its branches together.
    """
    return dict(_fields(place_network(network, check(network)), LayerField()))


def _fields(layers: Sequence[Placed], field: LayerField) -> Iterator[tuple[str, LayerField]]:
    for placed in layers:
        if placed.branches:
            before, ends = field, []
            for branch in placed.branches:
                inner = list(_fields(branch, before))
                yield from inner
                ends.append(inner[-1][1] if inner else before)
            field = ends[0]
            for other in ends[1:]:
                field = LayerField(
                    field.rows.joined(other.rows), field.columns.joined(other.columns)
                )
        else:
            field = field.through(placed.layer, placed.shape)
        yield placed.name, field
