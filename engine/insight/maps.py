"""Feature maps: what a layer makes of one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.insight.subject import CONVS, Subject
from cnn_tui.engine.ops.memory import Array

_FEW = 0.995
"""Share of the values that are within the scale; the others would leave the rest in the dark."""

_ROUNDING = 1e-5
"""Share of the largest value below which float32 sums are taken for zero."""


@dataclass(frozen=True, eq=False)
class Maps:
    """The output of a layer for one image."""

    layer: str
    maps: Array
    """``(C, H, W)``; a layer without places, such as a fully connected one, has ``(C, 1, 1)``."""
    scale: float
    """The absolute value that few of the finite ones exceed, 1 if all are zero."""
    example: Examples
    logits: Array
    """``(classes,)``."""
    classes: tuple[str, ...]

    @property
    def signed(self) -> bool:
        """Whether there are values below zero, as before a ReLU."""
        return bool((self.maps < 0).any())

    @property
    def means(self) -> tuple[float, ...]:
        """The mean absolute value of each map: its response to the image."""
        finite = np.where(np.isfinite(self.maps), np.abs(self.maps), 0)
        return tuple(finite.mean(axis=(1, 2), dtype=float).tolist())

    @property
    def strongest_first(self) -> tuple[int, ...]:
        """The maps by their responses."""
        return tuple(int(at) for at in np.argsort(-np.array(self.means), kind="stable"))

    @property
    def predicted(self) -> str:
        """The class with the highest score."""
        return self.classes[int(self.logits.argmax())]

    @property
    def target(self) -> str:
        """The class of the image; empty for a picture of a file."""
        label = int(self.example.targets[0])
        return self.classes[label] if label >= 0 else ""

    def to_json(self) -> dict[str, object]:
        """Plain values; maps row by row."""
        return {
            "layer": self.layer,
            "image": int(self.example.indices[0]),
            "note": self.example.note,
            "target": self.target,
            "predicted": self.predicted,
            "shape": list(self.maps.shape),
            "scale": self.scale,
            "maps": [
                {"map": at, "mean": mean, "values": self.maps[at].ravel().tolist()}
                for at, mean in enumerate(self.means)
            ],
        }


def maps(subject: Subject, layer: str = "", image: int | Path = 0) -> Maps:
    """The output of a layer for an image; the first responses if ``layer`` is empty.

    Raises:
        InsightError: if there is no such layer or image.
    """
    layer = subject.require_layer(layer or first_layer_of(subject))
    example = subject.example(image)
    with subject.model.opened(example.images) as inside:
        output, logits = inside.output(layer)[0], inside.logits[0]
    output = output.reshape(len(output), *(output.shape[1:] or (1, 1)))
    return Maps(layer, output, _scale(output), example, logits, subject.classes)


def first_layer_of(subject: Subject) -> str:
    """The layer with the responses of the first convolution; without one the first layer."""
    convs = [name for name, layer in subject.reports.items() if layer.type in CONVS]
    return subject.response(convs[0]) if convs else subject.layers[0]


def _scale(output: Array) -> float:
    values = np.abs(output[np.isfinite(output)])
    # What is zero but for rounding does not count, so that all processors agree.
    values = values[values > _ROUNDING * values.max(initial=0.0)]
    return float(np.quantile(values, _FEW)) if len(values) else 1.0
