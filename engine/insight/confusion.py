"""The mistakes of a network: which class for which, and those with the largest loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.examples import SplitName
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher

EverySplit = SplitName | Literal["all"]
TOP = 5
_CHUNK = 250


class ClassFigures(msgspec.Struct, frozen=True, rename={"name": "class"}):
    """How well one class is found; a figure is None where it would divide by zero."""

    name: str
    precision: float | None
    """Share of the images taken for this class that belong to it."""
    recall: float | None
    """Share of the images of this class that are taken for it."""
    support: int
    """Number of images of this class."""


class Mistake(msgspec.Struct, frozen=True):
    """An image that is classified wrongly."""

    index: int
    """Index in the split."""
    target: int
    chosen: int
    loss: float
    """Cross-entropy, ``-ln p`` of the right class."""
    top: tuple[tuple[int, float], ...]
    """The classes with the highest probabilities, and those."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """The classes that a network gives to the images of a split."""

    split: EverySplit
    classes: tuple[str, ...]
    targets: NDArray[np.int64]
    """``(N,)``."""
    scores: Array
    """``(N, classes)``."""

    @property
    def chosen(self) -> NDArray[np.int64]:
        """The class with the highest score, ``(N,)``."""
        chosen: NDArray[np.int64] = self.scores.argmax(1)
        return chosen

    @property
    def matrix(self) -> NDArray[np.int64]:
        """Numbers of images, ``(true class, given class)``."""
        size = len(self.classes)
        counts = np.bincount(self.targets * size + self.chosen, minlength=size * size)
        return counts.reshape(size, size)

    @property
    def accuracy(self) -> float:
        """The share of images that are classified right."""
        return float(np.mean(self.chosen == self.targets))

    @property
    def log_probabilities(self) -> NDArray[np.float64]:
        """Logarithms of the probabilities, ``(N, classes)``."""
        scores = self.scores.astype(np.float64)
        scores -= scores.max(1, keepdims=True)
        logs: NDArray[np.float64] = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        return logs

    def per_class(self) -> tuple[ClassFigures, ...]:
        """Precision, recall and support of every class."""
        right = self.matrix.diagonal().tolist()
        given, support = self.matrix.sum(0).tolist(), self.matrix.sum(1).tolist()
        return tuple(
            ClassFigures(name, _share(hits, taken), _share(hits, own), own)
            for name, hits, taken, own in zip(self.classes, right, given, support, strict=True)
        )

    def mistakes(self, most: int = 100) -> tuple[Mistake, ...]:
        """The mistakes with the largest loss first."""
        logs, wrong = self.log_probabilities, np.flatnonzero(self.chosen != self.targets)
        losses = -logs[wrong, self.targets[wrong]]
        ranked = wrong[np.argsort(-losses, kind="stable")][:most]
        return tuple(self._mistake(int(index), logs[index]) for index in ranked)

    def _mistake(self, index: int, logs: NDArray[np.float64]) -> Mistake:
        top = np.argsort(-logs, kind="stable")[:TOP]
        target = int(self.targets[index])
        shares = tuple((int(label), float(np.exp(logs[label]))) for label in top)
        return Mistake(index, target, int(self.chosen[index]), float(-logs[target]), shares)

    def to_json(self) -> dict[str, object]:
        """The matrix and the figures of each class as plain values."""
        return {
            "split": self.split,
            "images": len(self.targets),
            "accuracy": self.accuracy,
            "classes": list(self.classes),
            "matrix": self.matrix.tolist(),
            "per_class": [msgspec.to_builtins(figures) for figures in self.per_class()],
        }

    def mistakes_json(self, most: int = 100) -> dict[str, object]:
        """The worst mistakes as plain values."""
        return {
            "split": self.split,
            "images": len(self.targets),
            "wrong": int(np.count_nonzero(self.chosen != self.targets)),
            "mistakes": [
                {
                    "image": mistake.index,
                    "class": self.classes[mistake.target],
                    "chosen": self.classes[mistake.chosen],
                    "loss": mistake.loss,
                    "top": [[self.classes[label], share] for label, share in mistake.top],
                }
                for mistake in self.mistakes(most)
            ],
        }


def confusion(
    subject: Subject,
    split: EverySplit = "validation",
    *,
    watcher: Watcher = NOBODY,
) -> Confusion:
    """Classify every image of a split, or of all of them.

    Raises:
        InsightError: if there is no data, or the weights are not finite.
        CancelledError: if ``watcher`` cancels.
    """
    subject.require_finite()
    data = subject.require_data()
    named = {"train": data.train, "validation": data.val, "test": data.test}
    splits = list(named.values()) if split == "all" else [named[split]]
    total, done = sum(map(len, splits)), 0
    parts: list[Array] = []
    for images in splits:
        for start in range(0, len(images), _CHUNK):
            pixels = np.asarray(images.images[start : start + _CHUNK])
            parts.append(subject.model.forward(subject.eye.normalizer.apply(pixels)))
            done += len(pixels)
            watcher.check_in(done / total)
    targets = np.concatenate([images.labels for images in splits])
    return Confusion(split, subject.classes, targets, np.concatenate(parts))


def worst_pairs(found: Confusion, most: int = 3) -> Sequence[tuple[int, int, int]]:
    """The classes that are taken for one another most often: target, given class, images."""
    wrong = found.matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(cell), len(found.classes)) for cell in order]
    return [(row, column, int(wrong[row, column])) for row, column in pairs if wrong[row, column]]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
