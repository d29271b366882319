"""Figures of a trained network on a split, for ``cnn-tui evaluate``."""

from __future__ import annotations

import msgspec
import numpy as np

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.insight.calibration import Calibration, calibration
from cnn_tui.engine.insight.confusion import ClassFigures, Confusion, EverySplit, confusion
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.fingerprint import data_digest
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.specs.network import Softmax
from cnn_tui.engine.training.rules.start import LEAST_STD, MOST_MEAN, MOST_STD

_SAMPLED = 1000
"""Images on which the scale of the pixels is measured."""


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``evaluate --json``."""

    run: str
    state: str
    """Which weights, in words."""
    data: str
    split: EverySplit
    images: int
    loss: float
    """Data loss, mean over the images."""
    accuracy: float
    balanced_accuracy: float
    """Mean recall of the classes that have images."""
    largest_class: str
    largest_share: float
    """Share of the most frequent class: the accuracy of always giving that class."""
    per_class: tuple[ClassFigures, ...]
    matrix: tuple[tuple[int, ...], ...]
    """Numbers of images by true class (rows) and given class, in the order of ``per_class``."""
    calibration: Calibration | None
    """None for an SVM, whose scores are no probabilities."""
    notes: tuple[str, ...]
    """Reasons to doubt the figures, as sentences."""


def evaluate_run(
    subject: Subject,
    split: EverySplit | None = None,
    *,
    watcher: Watcher = NOBODY,
) -> EvaluationReport:
    """Measure a network on a split of its data.

    Args:
        subject: the network and the data.
        split: which images; by default the test split of the data that it was trained with, and all
            of other data.
        watcher: sees the progress, and can cancel.

    Raises:
        InsightError: if there is no data, or the weights are not finite.
        CancelledError: if ``watcher`` cancels.
    """
    data = subject.require_data()
    split = split or ("test" if _is_own(subject, data) else "all")
    found = confusion(subject, split, watcher=watcher)
    counts, recalls = found.matrix.sum(1), [one.recall for one in found.per_class()]
    known = [recall for recall in recalls if recall is not None]
    is_softmax = isinstance(subject.network.loss, Softmax)
    return EvaluationReport(
        run=subject.name,
        state=subject.state,
        data=data.name,
        split=split,
        images=len(found.targets),
        loss=subject.model.loss_of(found.scores, found.targets),
        accuracy=found.accuracy,
        balanced_accuracy=sum(known) / len(known),
        largest_class=found.classes[int(counts.argmax())],
        largest_share=float(counts.max() / counts.sum()),
        per_class=found.per_class(),
        matrix=tuple(map(tuple, found.matrix.tolist())),
        calibration=calibration(found.log_probabilities, found.targets) if is_softmax else None,
        notes=(*data.notes, *_scale_notes(subject, data.test), *_class_notes(found)),
    )


def _is_own(subject: Subject, data: Dataset) -> bool:
    return subject.folder is not None and subject.folder.info().data_sha256 == data_digest(data)


def _scale_notes(subject: Subject, images: Split) -> tuple[str, ...]:
    pixels = subject.eye.normalizer.apply(np.asarray(images.images[:_SAMPLED]))
    mean, std = float(pixels.mean()), float(pixels.std())
    if abs(mean) <= MOST_MEAN and LEAST_STD <= std <= MOST_STD:
        return ()
    return (
        f"The images reach the network with mean {mean:.3g} and deviation {std:.3g}, instead of "
        "about 0 and 1: their pixels are scaled otherwise than those of the training.",
    )


def _class_notes(found: Confusion) -> tuple[str, ...]:
    missing = [one.name for one in found.per_class() if not one.support]
    if not missing:
        return ()
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return (f"No image is of the class {missing[0]}{more}.",)
