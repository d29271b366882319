"""Means of an epoch while it runs, and its speed."""

from __future__ import annotations

SMOOTHING = 0.9
"""Of the speed: a mean over about the last ten batches."""


class Tally:
    """Sums over the batches of one epoch, each weighted by its images."""

    def __init__(self) -> None:
        self.images = 0
        self.seconds = 0.0
        self.images_per_second = 0.0
        self._loss = self._l2 = 0.0
        self._correct = 0

    def add(self, images: int, loss: float, l2_loss: float, correct: int, seconds: float) -> None:
        """Count one batch that took ``seconds``."""
        speed = images / seconds
        before = self.images_per_second if self.images else speed
        self.images_per_second = SMOOTHING * before + (1 - SMOOTHING) * speed
        self.images += images
        self.seconds += seconds
        self._loss += loss * images
        self._l2 += l2_loss * images
        self._correct += correct

    @property
    def loss(self) -> float:
        """Mean data loss."""
        return self._loss / self.images

    @property
    def l2_loss(self) -> float:
        """Mean L2 loss."""
        return self._l2 / self.images

    @property
    def accuracy(self) -> float:
        """Share of images that were right when the network met them."""
        return self._correct / self.images
