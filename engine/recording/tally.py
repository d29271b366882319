"""Means over the batches of an epoch, and the best validation so far."""

from __future__ import annotations

import math


class Tally:
    """Means and speed since the beginning of an epoch."""

    def __init__(self, since: int = 0, seconds: float = 0.0) -> None:
        self.since = since
        """The step before the epoch."""
        self._seconds = seconds
        self._losses = self._accuracies = 0
        self._loss = self._accuracy = 0.0

    def add(self, step: int, loss: float | None, accuracy: float) -> None:
        """Count a batch; figures that it lacks are left out of the means."""
        if loss is not None:
            self._losses += 1
            self._loss += loss
        if not math.isnan(accuracy):
            self._accuracies += 1
            self._accuracy += accuracy

    def means(self) -> tuple[float, float]:
        """Mean loss and accuracy; NaN if no batch had them."""
        loss = self._loss / self._losses if self._losses else math.nan
        accuracy = self._accuracy / self._accuracies if self._accuracies else math.nan
        return loss, accuracy

    def speed(self, step: int, seconds: float, batch_size: int) -> float:
        """Images per second in this epoch; 0 if the batch size is unknown."""
        passed = seconds - self._seconds
        return batch_size * (step - self.since) / passed if passed > 0 else 0.0

    def reached(self, step: int, epoch: int) -> int:
        """The last epoch with a batch, or the one before if this one has none."""
        return epoch if step > self.since else epoch - 1


class Validations:
    """The last validation in an epoch, and the best of the run."""

    def __init__(self) -> None:
        self.last = (math.nan, math.nan)
        """Loss and accuracy."""
        self.further: dict[str, float] = {}
        """Other figures."""
        self.best: float | None = None
        """The best accuracy; ``best_epoch`` is its epoch."""
        self.best_epoch: int | None = None

    def add(self, loss: float, accuracy: float, epoch: int) -> None:
        """Note a validation."""
        self.last = loss, accuracy
        if accuracy > (-1.0 if self.best is None else self.best):
            self.best, self.best_epoch = accuracy, epoch

    def end_epoch(self) -> None:
        """Forget all but the best."""
        self.last, self.further = (math.nan, math.nan), {}
