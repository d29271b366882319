"""The progress of a run: everything besides the arrays that determines how it continues."""

from __future__ import annotations

import time

import msgspec

from cnn_tui.engine.decoding import Count, Figure, Seconds, Share
from cnn_tui.engine.training.settings import Settings

SMOOTHING = 0.9
"""Weight of the past in the running mean of the speed, which covers about ten batches."""


class EpochMetrics(msgspec.Struct):
    """Sums over the batches of one epoch, each weighted by its images."""

    images: Count = 0
    seconds: Seconds = 0.0
    images_per_second: Figure = 0.0
    loss_sum: Figure = 0.0
    l2_sum: Figure = 0.0
    correct: Count = 0

    def __post_init__(self) -> None:
        """Refuse images without seconds, which would have no speed."""
        if self.images and not self.seconds:
            raise ValueError("images without seconds")

    def add(self, images: int, loss: float, l2_loss: float, correct: int, seconds: float) -> None:
        """Add one batch that took ``seconds``."""
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
        """Share of images that were classified correctly during training."""
        return self.correct / self.images


class Best(msgspec.Struct, frozen=True):
    """The epoch with the highest validation accuracy, the first of equals."""

    epoch: Count
    accuracy: Share


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The progress of a run between two batches.

    The order of an epoch and the masks and rate of a step are derived from the recipe and these
    numbers, so that no random state is saved.
    """

    step: Count
    """Optimizer steps done."""
    epochs_done: Count
    """Epochs that were trained and validated."""
    batch: Count
    """Batches done in the current epoch."""
    settings: Settings
    """The current values of the recipe's settings."""
    seconds: Seconds
    """Time of the run so far, without pauses."""
    tally: EpochMetrics
    """Sums over the current epoch."""
    best: Best | None = None


def beginning(settings: Settings) -> Progress:
    """The progress of a run before its first step."""
    return Progress(
        step=0, epochs_done=0, batch=0, settings=settings, seconds=0.0, tally=EpochMetrics()
    )


class Stopwatch:
    """A stopwatch that starts at ``seconds`` when it is created and can be paused."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._start = time.perf_counter() - seconds
        self._held_since: float | None = None

    def pause(self) -> None:
        """Pause the stopwatch."""
        self._held_since = time.perf_counter()

    def resume(self) -> None:
        """Continue after a pause."""
        if self._held_since is not None:
            self._start += time.perf_counter() - self._held_since
            self._held_since = None

    @property
    def seconds(self) -> float:
        """Seconds so far, without pauses."""
        now = time.perf_counter() if self._held_since is None else self._held_since
        return now - self._start
