"""The losses of the recipe, for each image and in all."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from cnn_tui.engine.specs.network import SVM, Loss


def losses_of(loss: Loss, scores: Tensor, targets: Tensor) -> Tensor:
    """The data loss of each image ``(N,)``."""
    if isinstance(loss, SVM):
        power = 2 if loss.squared else 1
        mean = functional.multi_margin_loss(
            scores, targets, p=power, margin=loss.delta, reduction="none"
        )
        # PyTorch divides by the number of classes.
        return mean * scores.shape[1]
    return functional.cross_entropy(
        scores, targets, reduction="none", label_smoothing=loss.label_smoothing
    )


def summed_loss(
    loss: Loss,
    scores: Tensor,
    targets: Tensor,
    weights: Tensor | None,
    others: Tensor | None,
    other_weights: Tensor | None,
) -> Tensor:
    """The sum of the losses, of images that count differently and blended ones of two classes."""
    if weights is None and others is None and not isinstance(loss, SVM):
        # One operation, and one on the way back.
        return functional.cross_entropy(
            scores, targets, reduction="sum", label_smoothing=loss.label_smoothing
        )
    losses = losses_of(loss, scores, targets)
    if weights is not None:
        losses = losses * weights
    if others is not None and other_weights is not None:
        losses = losses + losses_of(loss, scores, others) * other_weights
    return losses.sum()
