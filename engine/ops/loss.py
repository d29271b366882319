"""Loss functions on the scores of one shard. CS231n notes, Linear Classification."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.memory import Array


class LossKernel:
    """Mean loss over the batch and its gradient: scores ``(K, n)``, targets ``(n,)``.

    ``total`` is the sum of the shard's losses, in float64; ``gradient`` is already divided by the
    size of the whole batch, so that the gradients of shards add up.
    """

    def __init__(self, scores: Array, gradient: Array, targets: np.ndarray, batch: int) -> None:
        self.scores, self.gradient, self.targets = scores, gradient, targets
        self.scale = scores.dtype.type(1 / batch)
        self.columns = np.arange(scores.shape[1])
        self.total = 0.0
        self.correct = 0

    def run(self) -> None:
        """Compute ``total``, ``correct`` and ``gradient``."""
        self.correct = int(np.count_nonzero(self.scores.argmax(0) == self.targets))
        self._loss()
        np.multiply(self.gradient, self.scale, out=self.gradient)

    def _loss(self) -> None:
        raise NotImplementedError


class SoftmaxKernel(LossKernel):
    """Softmax cross-entropy with label smoothing (Szegedy et al. 2016, section 7)."""

    def __init__(
        self, scores: Array, gradient: Array, targets: np.ndarray, batch: int, smoothing: float
    ) -> None:
        super().__init__(scores, gradient, targets, batch)
        self.smoothing = smoothing

    def _loss(self) -> None:
        shifted = self.scores - self.scores.max(0)
        np.exp(shifted, out=self.gradient)
        sums = self.gradient.sum(0)
        log_sums = np.log(sums)
        np.divide(self.gradient, sums, out=self.gradient)
        expected = shifted[self.targets, self.columns]
        if self.smoothing:
            expected = (1 - self.smoothing) * expected + self.smoothing * shifted.mean(0)
            self.gradient -= self.smoothing / len(self.scores)
        self.total = float((log_sums - expected).sum(dtype=float))
        self.gradient[self.targets, self.columns] -= 1 - self.smoothing


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

    def _loss(self) -> None:
        margins = self.scores - self.scores[self.targets, self.columns] + self.delta
        margins[self.targets, self.columns] = 0
        np.maximum(margins, 0, out=margins)
        if self.squared:
            self.total = float(np.square(margins).sum(dtype=float))
            np.multiply(margins, 2, out=self.gradient)
        else:
            self.total = float(margins.sum(dtype=float))
            np.greater(margins, 0, out=self.gradient, casting="unsafe")
        self.gradient[self.targets, self.columns] = -self.gradient.sum(0)
