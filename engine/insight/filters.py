"""The weights of a convolution's filters, all on one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of a conv layer."""

    layer: str
    weight: Array
    """``(F, C, KH, KW)``."""
    scale: float
    """The largest finite absolute weight of the layer, 1 if all are zero."""
    norms: tuple[float, ...]
    """The Euclidean norm of each filter."""
    sees_image: bool
    """Whether the channels of the filters are those of the image."""

    @property
    def strongest_first(self) -> tuple[int, ...]:
        """The filters by their norms."""
        return tuple(int(at) for at in np.argsort(-np.array(self.norms), kind="stable"))

    def to_json(self) -> dict[str, object]:
        """Plain values; weights row by row, channel by channel."""
        return {
            "layer": self.layer,
            "shape": list(self.weight.shape),
            "scale": self.scale,
            "filters": [
                {"filter": at, "norm": self.norms[at], "weight": self.weight[at].ravel().tolist()}
                for at in range(len(self.weight))
            ],
        }


def filters(subject: Subject, layer: str = "") -> Filters:
    """The filters of a conv layer; of the first one if ``layer`` is empty.

    Raises:
        InsightError: if there is no such layer, or it is not a convolution.
    """
    layer = subject.require_layer(layer or subject.conv_layers()[0], conv=True)
    weight = subject.weights()[f"{layer}.weight"]
    finite = np.where(np.isfinite(weight), weight, 0)
    return Filters(
        layer,
        weight,
        float(np.abs(finite).max(initial=0.0)) or 1.0,
        tuple(np.linalg.norm(finite.reshape(len(weight), -1), axis=1).tolist()),
        layer == subject.conv_layers()[0] and weight.shape[1] == subject.network.input[0],
    )
