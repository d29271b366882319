"""Loss and accuracy of a model on a split."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.model import Model


def evaluate(
    model: Model,
    split: Split,
    normalizer: Normalizer,
    batch_size: int,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[float, float] | None:
    """Mean data loss and accuracy (0 to 1) in evaluation mode; None if ``stopping`` returned True.

    A short last batch is padded with zeros, whose scores are dropped, so that every batch uses the
    plan of training.

    Raises:
        NonFiniteError: if the weights after the last step give scores that are not finite.
    """
    loss, correct = 0.0, 0
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
        correct += int(np.count_nonzero(logits.argmax(1) == labels))
    if not math.isfinite(loss):
        raise NonFiniteError(
            f"the loss on held-out images is {loss}: the last steps made the weights explode.",
            "Lower the learning rate.",
        )
    return loss / len(split), correct / len(split)
