"""Which part of an image a decision needs: the probability with a patch of it covered.

Zeiler & Fergus 2013, arXiv 1311.2901, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.insight.passes import Cancelled, Progress, check_in
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array

_CHUNK = 64
_SIDES = 4
"""Default patch: the shorter side of the image over this."""


@dataclass(frozen=True, eq=False)
class Occlusion:
    """The probability of a class against the place of a patch of the mean colour."""

    example: Examples
    classes: tuple[str, ...]
    of_class: int
    probability: float
    """Without a patch."""
    map: Array
    """``(rows, columns)``: with the patch at each place."""
    patch: int
    """Side of the patch in pixels."""
    stride: int
    """Pixels between neighbouring places; the first begins at the upper left corner."""

    def to_json(self) -> dict[str, object]:
        """The map as plain values."""
        return {
            "image": int(self.example.indices[0]),
            "class": self.classes[self.of_class],
            "probability": self.probability,
            "patch": self.patch,
            "stride": self.stride,
            "map": self.map.tolist(),
        }


def occlusion(
    subject: Subject,
    example: Examples,
    of_class: int | None = None,
    *,
    patch: int | None = None,
    stride: int | None = None,
    progress: Progress = None,
    cancelled: Cancelled = None,
) -> Occlusion:
    """Cover each part of an image in turn.

    Args:
        subject: the network.
        example: one image.
        of_class: the class whose probability is measured; the likeliest if None.
        patch: side of the patch; a quarter of the image's shorter side if None.
        stride: pixels between places; an eighth of the patch, at least 1, if None.
        progress: called with the share of the places that are done.
        cancelled: asked between batches of places.

    Raises:
        InsightError: if the patch is larger than the image, or the weights are not finite.
        CancelledError: if ``cancelled`` says so.
    """
    subject.require_finite()
    image = example.images[0]
    _, height, width = image.shape
    side = max(1, min(height, width) // _SIDES) if patch is None else patch
    step = max(1, side // 8) if stride is None else stride
    if not 1 <= side <= min(height, width) or step < 1:
        raise InsightError(
            f"A patch of {side} pixels with a stride of {step} does not fit an image of "
            f"{height}x{width}."
        )
    whole = _probabilities(subject, example.images[:1])[0]
    chosen = int(whole.argmax()) if of_class is None else of_class
    tops, lefts = range(0, height - side + 1, step), range(0, width - side + 1, step)
    # Normalised data has a mean of zero; of other data only this image is at hand.
    is_normalised = subject.network.training.normalize
    mean = np.zeros((len(image), 1, 1)) if is_normalised else image.mean((1, 2), keepdims=True)
    places = [(top, left) for top in tops for left in lefts]
    found: list[float] = []
    for start in range(0, len(places), _CHUNK):
        part = places[start : start + _CHUNK]
        covered = np.repeat(image[None], len(part), 0)
        for copy, (top, left) in zip(covered, part, strict=True):
            copy[:, top : top + side, left : left + side] = mean
        found += _probabilities(subject, covered)[:, chosen].tolist()
        check_in(len(found) / len(places), progress, cancelled)
    shape = len(tops), len(lefts)
    return Occlusion(
        example,
        subject.classes,
        chosen,
        float(whole[chosen]),
        np.array(found).reshape(shape),
        side,
        step,
    )


def _probabilities(subject: Subject, images: Array) -> Array:
    scores = subject.model.forward(images).astype(np.float64)
    likely = np.exp(scores - scores.max(1, keepdims=True))
    shares: Array = likely / likely.sum(1, keepdims=True)
    return shares
