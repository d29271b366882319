"""Loss functions on the scores of one shard. CS231n notes, Linear Classification."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnn_tui.engine.ops.memory import Array


class Weighting(NamedTuple):
    """The factors of the losses of ``n`` images; a blended image has a second class.

    The loss of an image is ``weights * loss(target)``, plus ``other_weights * loss(other)``.
    """

    weights: Array
    """``(n,)``."""
    others: np.ndarray | None = None
    """The second classes ``(n,)``, if the images are blended."""
    other_weights: Array | None = None

    def of(self, images: slice) -> Weighting:
        """The factors of some of the images."""
        others, other_weights = self.others, self.other_weights
        return Weighting(
            self.weights[images],
            None if others is None else others[images],
            None if other_weights is None else other_weights[images],
        )


class LossKernel:
    """Mean loss over the batch and its gradient: scores ``(K, n)``, targets ``(n,)``.

    ``total`` is the sum of the shard's losses, in float64; ``gradient`` is already divided by the
    size of the whole batch, so that the gradients of shards add up.
    """

    weighting: Weighting | None = None
    """The factors of the images in the next run; None if each counts 1."""
    total: float
    correct: int

    def __init__(self, scores: Array, gradient: Array, targets: np.ndarray, batch: int) -> None:
        self.scores, self.gradient, self.targets = scores, gradient, targets
        self.scale = scores.dtype.type(1 / batch)
        images = scores.shape[1]
        self.columns, self.guesses = np.arange(images), np.empty(images, np.intp)
        self.hits = np.empty(images, np.bool_)

    def run(self) -> None:
        """Compute ``total``, ``correct`` and ``gradient``."""
        self.scores.argmax(0, self.guesses)
        np.equal(self.guesses, self.targets, out=self.hits)
        self.correct = int(np.count_nonzero(self.hits))
        losses = self._loss(self.targets)
        if self.weighting is not None:
            losses = self._weighted(losses, self.weighting)
        self.total = float(losses.sum(dtype=float))
        np.multiply(self.gradient, self.scale, out=self.gradient)

    def _weighted(self, losses: Array, weighting: Weighting) -> Array:
        """Weigh losses and ``gradient``, and add those of the second classes."""
        weights, others, other_weights = weighting
        self.gradient *= weights
        losses = losses * weights
        if others is not None and other_weights is not None:
            first = self.gradient.copy()
            losses += self._loss(others) * other_weights
            self.gradient *= other_weights
            self.gradient += first
        return losses

    def _loss(self, targets: np.ndarray) -> Array:
        """Write the gradient of the sum of the losses; returns the loss of each image ``(n,)``."""
        raise NotImplementedError


class SoftmaxKernel(LossKernel):
    """Softmax cross-entropy with label smoothing (Szegedy et al. 2016, section 7)."""

    def __init__(
        self, scores: Array, gradient: Array, targets: np.ndarray, batch: int, smoothing: float
    ) -> None:
        super().__init__(scores, gradient, targets, batch)
        self.smoothing = smoothing
        self.shifted = np.empty(scores.shape, scores.dtype)
        self.largest, self.sums, self.log_sums = (np.empty_like(scores[0]) for _ in range(3))

    def _loss(self, targets: np.ndarray) -> Array:
        shifted = self.shifted
        np.maximum.reduce(self.scores, axis=0, out=self.largest)
        np.subtract(self.scores, self.largest, out=shifted)
        np.exp(shifted, out=self.gradient)
        np.add.reduce(self.gradient, axis=0, out=self.sums)
        np.log(self.sums, out=self.log_sums)
        np.divide(self.gradient, self.sums, out=self.gradient)
        expected = shifted[targets, self.columns]
        if self.smoothing:
            expected = (1 - self.smoothing) * expected + self.smoothing * shifted.mean(0)
            self.gradient -= self.smoothing / len(self.scores)
        self.gradient[targets, self.columns] -= 1 - self.smoothing
        losses: Array = self.log_sums - expected
        return losses


class SVMKernel(LossKernel):
    """Multiclass SVM loss: the sum of ``max(0, s_j - s_y + delta)``, or of its square."""

    def __init__(
        self,
        scores: Array,
        gradient: Array,
        targets: np.ndarray,
        batch: int,
        delta: float,
        squared: bool,
    ) -> None:
        super().__init__(scores, gradient, targets, batch)
        self.delta, self.squared = delta, squared

    def _loss(self, targets: np.ndarray) -> Array:
        margins = self.scores - self.scores[targets, self.columns] + self.delta
        margins[targets, self.columns] = 0
        np.maximum(margins, 0, out=margins)
        if self.squared:
            losses: Array = np.square(margins).sum(0, dtype=float)
            np.multiply(margins, 2, out=self.gradient)
        else:
            losses = margins.sum(0, dtype=float)
            np.greater(margins, 0, out=self.gradient, casting="unsafe")
        self.gradient[targets, self.columns] = -self.gradient.sum(0)
        return losses
