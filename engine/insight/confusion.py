"""Which classes are taken for which: the confusion matrix, and figures of each class."""

from __future__ import annotations

import msgspec
import numpy as np

from cnn_tui.engine.insight.answers import Answers, answers
from cnn_tui.engine.insight.examples import SplitName
from cnn_tui.engine.insight.passes import Cancelled, Progress
from cnn_tui.engine.insight.subject import Subject


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How well one class is recognised."""

    name: str = msgspec.field(name="class")
    precision: float | None
    """Share of the images taken for this class that are of it; None if none was."""
    recall: float | None
    """Share of the images of this class that are taken for it; None if there is none."""
    support: int
    """Images of this class."""


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """The confusion matrix of a split."""

    split: str
    accuracy: float
    classes: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    """Images by their true class, the row, and the class that they are taken for, the column."""
    per_class: tuple[ClassFigures, ...]


def confusion(
    subject: Subject,
    split: SplitName = "validation",
    progress: Progress = None,
    cancelled: Cancelled = None,
) -> Confusion:
    """Count what every image of a split is taken for.

    Raises:
        InsightError: if there is no data, or the weights are not finite.
        CancelledError: if ``cancelled`` says so.
    """
    return confusion_of(answers(subject, split, progress, cancelled), split)


def confusion_of(found: Answers, split: SplitName) -> Confusion:
    """The confusion matrix of answers."""
    count = len(found.classes)
    cells = np.bincount(found.targets * count + found.predicted, minlength=count * count)
    matrix = cells.reshape(count, count)
    right, taken, there = matrix.diagonal(), matrix.sum(0), matrix.sum(1)
    return Confusion(
        split=split,
        accuracy=int(right.sum()) / len(found.targets),
        classes=found.classes,
        matrix=tuple(tuple(row) for row in matrix.tolist()),
        per_class=tuple(
            ClassFigures(
                name=name,
                precision=int(right[at]) / int(taken[at]) if taken[at] else None,
                recall=int(right[at]) / int(there[at]) if there[at] else None,
                support=int(there[at]),
            )
            for at, name in enumerate(found.classes)
        ),
    )


def images_of(found: Answers, true: int, predicted: int) -> list[int]:
    """The places in the split of the images in one cell of the matrix."""
    chosen = (found.targets == true) & (found.predicted == predicted)
    return [int(at) for at in np.flatnonzero(chosen)]
