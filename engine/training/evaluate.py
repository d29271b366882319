"""Loss, accuracy and recall of each class of a model on a split."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.training.events import ValidationCompleted

UNEVEN = 1.5
"""Ratio of the largest to the smallest class of a split from which its classes are uneven."""


class Evaluation(NamedTuple):
    """The result of one pass over a split."""

    loss: float
    """Data loss, mean over the images."""
    correct: NDArray[np.int64]
    """Images of each class that were classified correctly, ``(classes,)``."""
    images: NDArray[np.int64]
    """Images of each class, ``(classes,)``."""

    @property
    def accuracy(self) -> float:
        """Share of images that were classified correctly."""
        return int(self.correct.sum()) / int(self.images.sum())

    @property
    def recalls(self) -> tuple[float | None, ...]:
        """Share of each class's images that were classified correctly; None without images."""
        pairs = zip(self.correct.tolist(), self.images.tolist(), strict=True)
        return tuple(right / images if images else None for right, images in pairs)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the recalls, in which each class counts the same (Brodersen et al. 2010)."""
        recalls = [recall for recall in self.recalls if recall is not None]
        return math.fsum(recalls) / len(recalls)

    @property
    def is_uneven(self) -> bool:
        """Whether classes differ so much in size that accuracy says little about the rare ones."""
        counts = self.images[self.images > 0]
        return bool(counts.max() > UNEVEN * counts.min())

    @property
    def balanced_if_uneven(self) -> float | None:
        """The balanced accuracy, None where it says the same as the accuracy."""
        return self.balanced_accuracy if self.is_uneven else None

    def event(self, step: int, epoch: int) -> ValidationCompleted:
        """The event of a validation."""
        return ValidationCompleted(
            step=step,
            epoch=epoch,
            loss=self.loss,
            accuracy=self.accuracy,
            balanced_accuracy=self.balanced_if_uneven,
            recalls=self.recalls if self.is_uneven else (),
        )


def evaluate(
    model: Engine,
    split: Split,
    normalizer: Normalizer,
    batch_size: int,
    stopping: Callable[[], bool] = lambda: False,
) -> Evaluation | None:
    """Evaluate the model on a split; None if ``stopping`` returned True.

    A short last batch is padded with zeros, whose scores are dropped, so that every batch uses the
    plan of training.

    Raises:
        NonFiniteError: if the weights after the last step give scores that are not finite.
    """
    loss = 0.0
    correct = images_of = np.zeros(0, np.int64)
    for start in range(0, len(split), batch_size):
        if stopping():
            return None
        labels = split.labels[start : start + batch_size]
        images = normalizer.apply(split.images[start : start + batch_size])
        if len(images) < batch_size:
            blank = np.zeros((batch_size - len(images), *images.shape[1:]), images.dtype)
            images = np.concatenate([images, blank])
        logits = model.forward(images)[: len(labels)]
        loss += model.loss_of(logits, labels) * len(labels)
        classes = logits.shape[1]
        right = np.bincount(labels[logits.argmax(1) == labels], minlength=classes)
        correct = right + (correct if start else 0)
        images_of = np.bincount(labels, minlength=classes) + (images_of if start else 0)
    if not math.isfinite(loss):
        raise NonFiniteError(
            f"the loss on held-out images is {loss}: the last steps made the weights explode.",
            "Lower the learning rate.",
        )
    return Evaluation(loss / len(split), correct, images_of)
