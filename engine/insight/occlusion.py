"""What the network does without a part of the image: Zeiler & Fergus 2013, section 4.2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.export.states import softmax
from cnn_tui.engine.insight.asked import Asked, ask, rows_of
from cnn_tui.engine.insight.examples import SplitName
from cnn_tui.engine.insight.passes import Cancelled, Progress, check_in
from cnn_tui.engine.insight.subject import BATCH, Subject
from cnn_tui.engine.specs.network import Softmax

_PARTS, _STEPS = 4, 3
"""The patch is a quarter of the shorter side, and moves by a third of itself."""


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How likely the class is while a patch of the mean colour covers a part of the image."""

    asked: Asked
    map: NDArray[np.float64]
    """``(rows, columns)``: the probability, or for SVM networks the score, by the patch's place."""
    whole: float
    """The same for the image as it is."""
    patch: int
    """Side of the patch in pixels."""
    stride: int
    """Pixels from one place of the patch to the next."""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return self.asked.to_json() | {
            "patch": self.patch,
            "stride": self.stride,
            "whole": self.whole,
            "map": rows_of(self.map),
        }


def occlusion(
    subject: Subject,
    image: int | Path = 0,
    label: int | str | None = None,
    split: SplitName = "validation",
    patch: int | None = None,
    stride: int | None = None,
    progress: Progress = None,
    cancelled: Cancelled = None,
) -> Occlusion:
    """Cover each part of an image in turn and look what the class's probability does.

    Raises:
        InsightError: if there is no such image or class, the patch is larger than the image, or the
            weights are not finite.
        CancelledError: if ``cancelled`` says so.
    """
    _, height, width = subject.network.input
    patch = max(1, min(height, width) // _PARTS) if patch is None else patch
    stride = max(1, patch // _STEPS) if stride is None else stride
    if not 1 <= patch <= min(height, width) or stride < 1:
        raise InsightError(
            f"A patch of {patch}x{patch} pixels that moves by {stride} cannot cover an image of "
            f"{height}x{width}."
        )
    asked = ask(subject, image, label, split)
    places = [
        (top, left)
        for top in range(0, height - patch + 1, stride)
        for left in range(0, width - patch + 1, stride)
    ]
    found: list[float] = []
    for start in range(0, len(places), BATCH):
        check_in(start / len(places), progress, cancelled)
        part = places[start : start + BATCH]
        covered = np.repeat(asked.example.images, len(part), axis=0)
        for picture, (top, left) in zip(covered, part, strict=True):
            # The mean colour of the data, since the images are normalised.
            picture[:, top : top + patch, left : left + patch] = 0
        found += _likelihood(subject, covered, asked.label)
    rows = len(range(0, height - patch + 1, stride))
    whole = _likelihood(subject, asked.example.images, asked.label)[0]
    return Occlusion(asked, np.array(found).reshape(rows, -1), whole, patch, stride)


def _likelihood(subject: Subject, images: NDArray[np.float32], label: int) -> list[float]:
    scores = subject.scores(images).astype(float)
    values = softmax(scores) if isinstance(subject.network.loss, Softmax) else scores
    column: list[float] = values[:, label].tolist()
    return column
