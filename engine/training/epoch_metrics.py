"""Means of an epoch while it runs, and its speed."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.decoding import Count, Figure, Seconds

SMOOTHING = 0.9
"""Of the speed: a mean over about the last ten batches."""


class EpochMetrics(msgspec.Struct):
    """Sums over the batches of one epoch, each weighted by its images."""

    images: Count = 0
    seconds: Seconds = 0.0
    images_per_second: Figure = 0.0
    loss_sum: Figure = 0.0
    l2_sum: Figure = 0.0
    correct: Count = 0

    def __post_init__(self) -> None:
        """Refuse images that took no time, of which there would be no speed."""
        if self.images and not self.seconds:
            raise ValueError("images without seconds")

    def add(self, images: int, loss: float, l2_loss: float, correct: int, seconds: float) -> None:
        """Count one batch that took ``seconds``."""
        speed = images / seconds
        before = self.images_per_second if self.images else speed
        self.images_per_second = SMOOTHING * before + (1 - SMOOTHING) * speed
        self.images += images
        self.seconds += seconds
        self.loss_sum += loss * images
        self.l2_sum += l2_loss * images
        self.correct += correct

    @property
    def loss(self) -> float:
        """Mean data loss."""
        return self.loss_sum / self.images

    @property
    def l2_loss(self) -> float:
        """Mean L2 loss."""
        return self.l2_sum / self.images

    @property
    def accuracy(self) -> float:
        """Share of images that were right when the network met them."""
        return self.correct / self.images
