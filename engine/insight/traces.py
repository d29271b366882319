"""How the layers of a run moved while it trained: update:weight ratio and norms, step by step.

CS231n notes, Neural Networks Part 3, Ratio of weights:updates; about 1e-3 is healthy.
"""

from __future__ import annotations

import msgspec

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.training.events import LayerHealth, LayersMeasured


class LayerTrace(msgspec.Struct, frozen=True, kw_only=True):
    """The measured steps of one layer with weights; the lists are equally long."""

    layer: str
    steps: tuple[int, ...]
    update_ratios: tuple[float | None, ...]
    """Norm of the step over that of the weight before it; None if that was 0."""
    gradient_norms: tuple[float, ...]
    weight_norms: tuple[float, ...]


def traces(folder: RunFolder) -> tuple[LayerTrace, ...]:
    """The layers of a run in their order; none if it recorded no measurements.

    Raises:
        RunError: if the events cannot be read.
    """
    measured: dict[str, list[tuple[int, LayerHealth]]] = {}
    for event in read_events(folder.events_file):
        if isinstance(event, LayersMeasured):
            for layer in event.layers:
                if layer.gradient_norm is not None:
                    measured.setdefault(layer.layer, []).append((event.step, layer))
    return tuple(_trace(name, steps) for name, steps in measured.items())


def _trace(name: str, measured: list[tuple[int, LayerHealth]]) -> LayerTrace:
    return LayerTrace(
        layer=name,
        steps=tuple(step for step, _ in measured),
        update_ratios=tuple(layer.update_ratio for _, layer in measured),
        gradient_norms=tuple(layer.gradient_norm or 0.0 for _, layer in measured),
        weight_norms=tuple(layer.weight_norm or 0.0 for _, layer in measured),
    )
