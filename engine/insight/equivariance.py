"""How far the output of a layer shifts with the image (Azulay & Weiss 2019; Zhang 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from cnn_tui.engine.insight.fields import AxisField, fields
from cnn_tui.engine.insight.shift import moved
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array

_WINDOWED = ("conv", "dwconv", "maxpool", "avgpool")
"""Other layers shift as the one before them."""


class Equivariance(msgspec.Struct, frozen=True):
    """The output for a shifted image against the shifted output, at one layer."""

    layer: str
    stride: int
    """Pixels of the image from one value to the next."""
    shift: int
    """Pixels by which the image was shifted to the right."""
    moved: int
    """Places by which the output was shifted."""
    multiple: bool
    """Whether the shift is a multiple of the stride."""
    difference: float | None
    """Norm of the difference over that of the output, where no window reaches the border of the
    image; None where every window does."""
    at_border: float
    """The difference over all places, those included that see the border."""


@dataclass(frozen=True)
class ShiftedMaps:
    """The measurements of one image set."""

    images: int
    rows: tuple[Equivariance, ...]

    def to_json(self) -> dict[str, object]:
        """The measurements as plain values."""
        return {"images": self.images, "layers": [msgspec.to_builtins(row) for row in self.rows]}


def equivariance(subject: Subject, images: Array, shifts: Sequence[int] = (1, 2, 4)) -> ShiftedMaps:
    """Measure every convolution and pool whose maps have several places.

    Args:
        subject: the network.
        images: ``(N, C, H, W)``, normalised, few of them.
        shifts: pixels to the right.
    """
    places = {
        layer: field
        for layer, field in fields(subject.network).items()
        if subject.reports[layer].type in _WINDOWED
        and (subject.reports[layer].output or [])[1:] != [1, 1]
    }
    width = images.shape[3]
    rows: dict[tuple[str, int], Equivariance] = {}
    with subject.model.opened(images) as inside:
        still = {layer: inside.output(layer) for layer in places}
        for pixels in shifts:
            inside.see(moved(images, (0, pixels)))
            for layer, (_, across) in places.items():
                after = inside.output(layer)
                rows[layer, pixels] = _measure(layer, across, pixels, width, still[layer], after)
    return ShiftedMaps(
        len(images), tuple(rows[layer, pixels] for layer in places for pixels in shifts)
    )


def _measure(
    layer: str, across: AxisField, pixels: int, width: int, before: Array, after: Array
) -> Equivariance:
    jump, columns = across.jump, before.shape[3]
    places = min(round(pixels / jump), columns)
    wanted, found = before[..., : columns - places], after[..., places:]
    inner = [
        column
        for column in range(columns - places)
        if 0 <= across.start + column * across.jump <= width - pixels - across.size
    ]
    return Equivariance(
        layer,
        jump,
        pixels,
        places,
        pixels % jump == 0,
        _relative(wanted[..., inner], found[..., inner]) if inner else None,
        _relative(wanted, found) if wanted.size else 0.0,
    )


def _relative(wanted: Array, found: Array) -> float:
    norm = float(np.linalg.norm(wanted))
    return float(np.linalg.norm(found - wanted)) / norm if norm else 0.0
