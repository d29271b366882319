"""What the training screen knows: the events of a run folded into one state, without widgets."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    SettingChanged,
    ValidationCompleted,
)
from cnn_tui.tui.series import Series, Smooth
from cnn_tui.tui.words import short

LOG_LINES = 200


@dataclass
class Board:
    """One run as far as it is known; a new run starts with a new board."""

    started: RunStarted | None = None
    batch: BatchCompleted | None = None
    epoch: EpochCompleted | None = None
    validation: ValidationCompleted | None = None
    best: ValidationCompleted | None = None
    ended: RunEnded | None = None
    paused: bool = False
    train_loss: Series = field(default_factory=Series)
    smooth_loss: Smooth = field(default_factory=Smooth)
    val_loss: Series = field(default_factory=Series)
    train_accuracy: Series = field(default_factory=Series)
    smooth_accuracy: Smooth = field(default_factory=Smooth)
    val_accuracy: Series = field(default_factory=Series)
    log: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    """Seconds since the run began, and what happened then."""

    def fold(self, event: RunEvent) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self.started = event
                self._note(f"{event.arch} on {event.data}, {event.train_images:,} images")
            case BatchCompleted():
                self._batch(event)
            case ValidationCompleted():
                self._validation(event)
            case EpochCompleted():
                self.epoch = event
                self._note(_epoch_words(event, self.started))
            case RunPaused() | RunResumed():
                self.paused = isinstance(event, RunPaused)
                self._note("paused" if self.paused else "resumed")
            case Alert():
                self._note(event.message if event.severity == "praise" else f"! {event.message}")
            case SettingChanged():
                self._note(f"{event.name} {event.old} -> {event.new}")
            case RunEnded():
                self.ended, self.paused = event, False
                self._note(_end_words(event), event.seconds)

    @property
    def resume_words(self) -> str:
        """How a run goes on that ended before its time and was kept; empty for any other."""
        kept = self.started is not None and self.started.run
        if not kept or self.ended is None or self.ended.reason != "stopped":
            return ""
        return f"cnn-tui resume {kept} goes on from step {self.ended.step:,}"

    @property
    def seconds(self) -> float:
        """Time spent in the run, pauses left out."""
        last = self.ended or self.batch
        return last.seconds if last else 0.0

    @property
    def total_steps(self) -> int:
        """Batches in the whole run; 0 before it has started."""
        return self.started.batches * self.started.epochs if self.started else 0

    @property
    def progress(self) -> float:
        """How much of the run is done, 0 to 1."""
        return self.batch.step / self.total_steps if self.batch and self.total_steps else 0.0

    @property
    def epoch_progress(self) -> float:
        """How much of the present epoch is done, 0 to 1."""
        return self.batch.batch / self.started.batches if self.batch and self.started else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time to the end at the mean speed so far; None before the first batch."""
        if not self.progress:
            return None
        return self.seconds * (1 - self.progress) / self.progress

    def _batch(self, event: BatchCompleted) -> None:
        self.batch = event
        at = self._at(event.step)
        self.train_loss.add(at, event.loss)
        self.smooth_loss.add(at, event.loss)
        self.train_accuracy.add(at, event.accuracy)
        self.smooth_accuracy.add(at, event.accuracy)

    def _validation(self, event: ValidationCompleted) -> None:
        self.validation = event
        self.val_loss.add(self._at(event.step), event.loss)
        self.val_accuracy.add(self._at(event.step), event.accuracy)
        if self.best is None or event.accuracy > self.best.accuracy:
            self.best = event

    def _at(self, step: int) -> float:
        """The place of a step on the horizontal axis, which counts epochs."""
        return step / self.started.batches if self.started else float(step)

    def _note(self, words: str, seconds: float | None = None) -> None:
        self.log.append((self.seconds if seconds is None else seconds, words))


def _epoch_words(event: EpochCompleted, started: RunStarted | None) -> str:
    width = len(str(started.epochs)) if started else 1
    return (
        f"epoch {event.epoch:>{width}} train {short(event.train_loss)} {event.train_accuracy:.1%} "
        f"val {short(event.val_loss)} {event.val_accuracy:.1%}"
    )


def _end_words(event: RunEnded) -> str:
    if event.reason == "failed":
        return f"! failed: {event.message}"
    test = "" if event.test_accuracy is None else f": test {event.test_accuracy:.1%}"
    return ("done" if event.reason == "completed" else "stopped") + test
