"""One image and one class: what saliency, occlusion and Grad-CAM are asked about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.export.states import Guess, best_guesses
from cnn_tui.engine.insight.examples import Examples, SplitName
from cnn_tui.engine.insight.subject import Subject

TOP = 5


@dataclass(frozen=True, eq=False)
class Asked:
    """An image, what the network says about it, and the class in question."""

    example: Examples
    label: int
    classes: tuple[str, ...]
    guesses: tuple[Guess, ...]
    """The likeliest classes, best first."""

    @property
    def target(self) -> str:
        """The class of the image; empty for a picture of a file."""
        at = int(self.example.targets[0])
        return self.classes[at] if at >= 0 else ""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "image": int(self.example.indices[0]),
            "note": self.example.note,
            "target": self.target,
            "class": self.classes[self.label],
            "predicted": self.guesses[0].label,
        }


def ask(
    subject: Subject, image: int | Path, label: int | str | None, split: SplitName = "validation"
) -> Asked:
    """Choose an image and a class; the predicted one if ``label`` is None.

    Raises:
        InsightError: if there is no such image or class, or the weights are not finite.
    """
    subject.require_finite()
    chosen = None if label is None else subject.require_class(label)
    example = subject.example(image, split)
    scores = subject.scores(example.images)[0].astype(float)
    return Asked(
        example,
        int(scores.argmax()) if chosen is None else chosen,
        subject.classes,
        tuple(best_guesses(scores, subject.classes, subject.network, TOP)),
    )


def rows_of(values: NDArray[np.floating]) -> list[list[float]]:
    """A map as plain rows."""
    rows: list[list[float]] = values.astype(float).tolist()
    return rows
