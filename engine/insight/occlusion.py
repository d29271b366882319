"""Which part of an image a decision needs: the probability with a patch of it covered.

Zeiler & Fergus 2013, arXiv 1311.2901, section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher

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
    """The probability of the class without a patch."""
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
    watcher: Watcher = NOBODY,
) -> Occlusion:
    """Cover each part of an image in turn.

    Args:
        subject: the network.
        example: one image.
        of_class: the class whose probability is measured; the likeliest if None.
        patch: side of the patch; a quarter of the image's shorter side if None.
        stride: pixels between places; an eighth of the patch, at least 1, if None.
        watcher: sees the progress, and can cancel.

    Raises:
        InsightError: if the patch is larger than the image, or the weights are not finite.
        CancelledError: if ``watcher`` cancels.
    """
    subject.require_finite()
    image = example.images[0]
    _, height, width = image.shape
    side, step = _sizes(height, width, patch, stride)
    whole = _probabilities(subject, example.images[:1])[0]
    chosen = int(whole.argmax()) if of_class is None else of_class
    tops, lefts = range(0, height - side + 1, step), range(0, width - side + 1, step)
    # Normalised data has a mean of zero; of other data only this image is at hand.
    is_normalised = subject.network.training.normalize
    mean = np.zeros((len(image), 1, 1)) if is_normalised else image.mean((1, 2), keepdims=True)
    places = [(top, left) for top in tops for left in lefts]
    found: list[float] = []
    for start in range(0, len(places), _CHUNK):
        covered = _covered(image, places[start : start + _CHUNK], side, mean)
        found += _probabilities(subject, covered)[:, chosen].tolist()
        watcher.check_in(len(found) / len(places))
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


def _sizes(height: int, width: int, patch: int | None, stride: int | None) -> tuple[int, int]:
    """Side and stride of the patch in pixels."""
    side = max(1, min(height, width) // _SIDES) if patch is None else patch
    step = max(1, side // 8) if stride is None else stride
    if not 1 <= side <= min(height, width) or step < 1:
        raise InsightError(
            f"A patch of {side} pixels with a stride of {step} does not fit an image of "
            f"{height}x{width}."
        )
    return side, step


def _covered(image: Array, places: Sequence[tuple[int, int]], side: int, cover: Array) -> Array:
    """Copies of an image ``(C, H, W)``, each with a square covered: ``(N, C, H, W)``."""
    copies = np.repeat(image[None], len(places), 0)
    for copy, (top, left) in zip(copies, places, strict=True):
        copy[:, top : top + side, left : left + side] = cover
    return copies


def _probabilities(subject: Subject, images: Array) -> Array:
    scores = subject.model.forward(images).astype(np.float64)
    likely = np.exp(scores - scores.max(1, keepdims=True))
    shares: Array = likely / likely.sum(1, keepdims=True)
    return shares
