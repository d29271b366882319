"""Where in the image each value of a layer's output looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnn_tui.engine.shapes import ReceptiveField, Window
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer
from cnn_tui.engine.specs.infer import infer_layers
from cnn_tui.engine.specs.layers import GlobalAvgPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.windows import Windowed, windows


class AxisField(NamedTuple):
    """The receptive fields of a layer along one axis."""

    field: ReceptiveField = ReceptiveField()
    frame: int = 0
    """Pixels by which the first field begins before the image, because of padding."""

    def through(self, window: Window) -> AxisField:
        """The fields after a window; its padding moves the first one outwards."""
        return AxisField(self.field.through(window), self.frame + window.padding * self.field.jump)

    def span(self, position: int) -> tuple[int, int]:
        """The first pixel that the value at a position depends on, and the one after the last."""
        start = position * self.field.jump - self.frame
        return start, start + self.field.size


Field = tuple[AxisField, AxisField]
"""Along height and width."""


def fields(network: Network) -> dict[str, Field]:
    """The receptive fields of every layer before the first fc layer, by name.

    Those of a residual block are of its branch, which reaches further than the shortcut.
    """
    steps = infer_layers(network.layers, FeatureMap(network.input))
    found: dict[str, Field] = {}
    _collect(steps, check(network).layers, (AxisField(), AxisField()), found)
    return found


def _collect(
    steps: Sequence[InferredLayer],
    reports: Sequence[LayerReport],
    field: Field,
    found: dict[str, Field],
) -> Field:
    for step, report in zip(steps, reports, strict=True):
        shape = step.after.shape
        if shape is None or len(shape) != 3:
            break
        if step.branch:
            field = _collect(step.branch, report.branch, field, found)
        elif isinstance(step.layer, Windowed | GlobalAvgPool):
            down, across = _windows(step)
            field = field[0].through(down), field[1].through(across)
        found[report.name] = field
    return field


def _windows(step: InferredLayer) -> tuple[Window, Window]:
    if isinstance(step.layer, Windowed):
        return windows(step.layer)
    _, height, width = step.before.shape or (0, 1, 1)
    return Window(height), Window(width)
