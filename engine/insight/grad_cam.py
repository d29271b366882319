"""Where a layer saw what speaks for a class: Grad-CAM, Selvaraju et al. 2017."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.asked import Asked, ask, rows_of
from cnn_tui.engine.insight.examples import SplitName
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import Conv, Residual


@dataclass(frozen=True, eq=False)
class GradCam:
    """The maps of a layer, each weighted by what it adds to the score of a class."""

    asked: Asked
    layer: str
    """The layer whose maps these are: of a convolution its responses, after its activation."""
    map: NDArray[np.float32]
    """The sum of the weighted maps, 0 where it speaks against the class, ``(H, W)``."""
    weights: NDArray[np.float32]
    """The mean over all places of the score's gradient by each map, ``(C,)``."""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return self.asked.to_json() | {
            "layer": self.layer,
            "map": rows_of(self.map),
            "weights": self.weights.astype(float).tolist(),
        }


def grad_cam(
    subject: Subject,
    layer: str = "",
    image: int | Path = 0,
    label: int | str | None = None,
    split: SplitName = "validation",
) -> GradCam:
    """Grad-CAM of a layer; of the last one with places that is no pool if ``layer`` is empty.

    Raises:
        InsightError: if there is no such layer, image or class, the layer has no places, or the
            weights are not finite.
    """
    layer = subject.require_layer(layer or _last_with_places(subject))
    if subject.reports[layer].type == "conv":
        layer = subject.response(layer)
    asked = ask(subject, image, label, split)
    with subject.model.opened(asked.example.images) as inside:
        if len(inside.shapes[layer]) != 3:
            raise InsightError(
                f"The layer {layer} has no places: Grad-CAM needs the maps of a conv layer.",
                f"The last one is {subject.conv_layers()[-1]}.",
            )
        maps, slopes = inside.output(layer)[0], inside.gradient(layer, asked.label)[0]
    weights = slopes.mean(axis=(1, 2))
    seen = np.maximum(np.einsum("c,chw->hw", weights, maps), 0)
    return GradCam(asked, layer, seen, weights)


def _last_with_places(subject: Subject) -> str:
    subject.conv_layers()
    layers, reports = subject.network.layers, check(subject.network).layers
    return next(
        report.name
        for layer, report in zip(reversed(layers), reversed(reports), strict=True)
        if len(report.output or ()) == 3
        and (isinstance(layer, Conv | Residual) or layer.info.role == "activation")
    )
