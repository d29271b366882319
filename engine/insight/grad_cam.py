"""Which part of a layer's output a class's score rests on.

Grad-CAM, Selvaraju et al. 2017, arXiv 1610.02391, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.layers import Residual


@dataclass(frozen=True, eq=False)
class GradCam:
    """The ReLU of a layer's maps, each weighted by the mean gradient of the score by it."""

    example: Examples
    classes: tuple[str, ...]
    of_class: int
    layer: str
    map: Array
    """``(H, W)`` of the layer."""
    weights: Array
    """``(C,)``: the mean gradient of each map."""

    def to_json(self) -> dict[str, object]:
        """The map as plain values."""
        return {
            "image": int(self.example.indices[0]),
            "class": self.classes[self.of_class],
            "layer": self.layer,
            "map": self.map.tolist(),
            "weights": self.weights.tolist(),
        }


def grad_cam(
    subject: Subject, example: Examples, layer: str = "", of_class: int | None = None
) -> GradCam:
    """The class activation map of one image.

    Args:
        subject: the network.
        example: one image.
        layer: name of a convolution; if empty the last one that is in no shortcut and whose maps
            have several places, unlike the gates of squeeze-and-excitation. The responses of its
            filters are weighted: those after the batch norm and the activation that follow it.
        of_class: the class whose score is differentiated; the highest if None.

    Raises:
        InsightError: if there is no such convolution or class, or the weights are not finite.
    """
    subject.require_finite()
    conv = subject.require_layer(layer or last_conv_of(subject), conv=True)
    maps = subject.response(conv)
    with subject.model.opened(example.images[:1]) as inside:
        chosen = int(inside.logits[0].argmax()) if of_class is None else of_class
        weights = inside.gradient(maps, chosen)[0].mean(axis=(1, 2))
        found = np.maximum(np.tensordot(weights, inside.output(maps)[0], 1), 0)
    return GradCam(example, subject.classes, chosen, conv, found, weights)


def last_conv_of(subject: Subject) -> str:
    """The last convolution with several places; one of a shortcut only if there is no other.

    Raises:
        InsightError: if the network has no convolution.
    """
    convs = subject.conv_layers()
    wide = [name for name in convs if (subject.reports[name].output or [])[1:] != [1, 1]]
    aside = {
        inner.name
        for layer in subject.placed
        for block in layer.walk()
        if isinstance(block.layer, Residual)
        for placed in block.branches[1]
        for inner in placed.walk()
    }
    chosen = [name for name in wide if name not in aside] or wide or convs
    return chosen[-1]
