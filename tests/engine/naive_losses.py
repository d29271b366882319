"""Both losses once more, one image at a time, as their definitions say."""

from __future__ import annotations

import math

import numpy as np


def softmax_loss(logits: np.ndarray, targets: np.ndarray, smoothing: float = 0.0) -> float:
    """Mean cross-entropy with the target distribution ``(1 - s) onehot + s/K``."""
    total = 0.0
    for scores, target in zip(logits, targets, strict=True):
        top = max(scores)
        log_sum = top + math.log(sum(math.exp(score - top) for score in scores))
        for k, score in enumerate(scores):
            share = (1 - smoothing) * (k == target) + smoothing / len(scores)
            total += share * (log_sum - score)
    return total / len(targets)


def svm_loss(
    logits: np.ndarray, targets: np.ndarray, delta: float = 1.0, squared: bool = False
) -> float:
    """Mean of the sum of hinges over the wrong classes."""
    total = 0.0
    for scores, target in zip(logits, targets, strict=True):
        for k, score in enumerate(scores):
            hinge = max(0.0, score - scores[target] + delta)
            total += 0.0 if k == target else hinge**2 if squared else hinge
    return total / len(targets)
