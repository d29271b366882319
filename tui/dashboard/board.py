"""The state of a run on the Train screen: its events reduced to one object, without widgets."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from msgspec import UnsetType

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    BatchCompleted,
    CheckpointSaved,
    EpochCompleted,
    LayersMeasured,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    Scalars,
    SettingChanged,
    ValidationCompleted,
)
from cnn_tui.engine.training.settings import Settings, SettingValue
from cnn_tui.tui.dashboard.further import MOST_FURTHER, Further, stem_of
from cnn_tui.tui.dashboard.series import Noisy, Series
from cnn_tui.tui.words import balanced_words, short

LOG_LINES = 200

MARKS = 500

_LINE = 500
"""Characters kept of a printed line."""


@dataclass
class Board:
    """The known state of one run; a new run starts with a new board."""

    started: RunStarted | None = None
    batch: BatchCompleted | None = None
    epoch: EpochCompleted | None = None
    validation: ValidationCompleted | None = None
    best: ValidationCompleted | None = None
    ended: RunEnded | None = None
    paused: bool = False
    handed_on: bool = False
    """Whether another process continues the run, so that this app must not resume it."""
    train_loss: Noisy = field(default_factory=Noisy)
    val_loss: Series = field(default_factory=Series)
    l2_loss: Series = field(default_factory=Series)
    train_accuracy: Noisy = field(default_factory=Noisy)
    val_accuracy: Series = field(default_factory=Series)
    lr: Series = field(default_factory=Series)
    ratios: tuple[Series, Series, Series] = field(
        default_factory=lambda: (Series(), Series(), Series())
    )
    """Median, greatest and least update:weight of the layers, as decimal logarithms."""
    further: dict[str, Further] = field(default_factory=dict)
    """Figures by the names that another program gave them, without that of the split."""
    layers: LayersMeasured | None = None
    standing: dict[tuple[str, str], Alert] = field(default_factory=dict)
    """Active alerts by code and layer."""
    settings: Settings | None = None
    """The recipe as it is now."""
    marks: list[float] = field(default_factory=list)
    """Positions on the horizontal axis at which a setting was changed."""
    log: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    """Seconds since the start of the run, and what happened then."""
    _trail: tuple[str, ...] = ()
    """The newest lines of the log that are about a single step."""
    _x: float = 0.0
    """The position of the last batch on the horizontal axis, in epochs."""

    def apply(self, event: RunEvent) -> None:
        """Update the state with one event."""
        match event:
            case RunStarted():
                self.started, self.ended = event, None
                self._note(_start_words(event))
                if self.by_steps and not event.from_step:
                    self.train_loss, self.train_accuracy = (
                        Noisy(by_point=True),
                        Noisy(by_point=True),
                    )
            case BatchCompleted():
                self._batch(event)
            case ValidationCompleted():
                self._validation(event)
            case EpochCompleted():
                self.epoch = event
                self._note(_epoch_words(event, self.started))
                # What was noticed of the data has been read by now, and stays in the log.
                self.standing.pop(("data", ""), None)
                self._further(event.scalars, float(event.step if self.by_steps else event.epoch))
            case RunPaused() | RunResumed():
                self.paused = isinstance(event, RunPaused)
                self._note_step("paused" if self.paused else "resumed", event.step)
            case LayersMeasured():
                self._layers(event)
            case Alert():
                self._alert(event)
            case AlertCleared():
                if over := self.standing.pop((event.code, event.layer), None):
                    self._note(f"no longer: {over.gist}")
            case SettingChanged():
                self._change(event)
            case CheckpointSaved(best=False, lasting=False):
                self._note_step("checkpoint", event.step)
            case RunEnded():
                self.ended, self.paused = event, False
                told = any(alert.message == event.message for alert in self.standing.values())
                self._note(_end_words(event, told=told), event.seconds)

    def log_print(self, text: str) -> None:
        """Log the lines that some code printed."""
        for line in text.splitlines()[-LOG_LINES:]:
            if line.strip():
                self._note(f"printed: {line.rstrip()[:_LINE]}")

    @property
    def resume_words(self) -> str:
        """The command that resumes a stopped run; empty if there is nothing to resume."""
        kept = self.started is not None and not self.started.program and self.started.run
        if not kept or self.ended is None or not self.stopped or self.handed_on:
            return ""
        return f"cnn-tui resume {kept} resumes it from step {self.ended.step:,}"

    @property
    def kept(self) -> RunFolder | None:
        """The folder of the run; None if the run is not written, or has not begun."""
        path = self.started.path if self.started else ""
        return RunFolder(Path(path)) if path else None

    @property
    def stopped(self) -> bool:
        """Whether the run was stopped before its end, without a failure."""
        return self.ended is not None and self.ended.reason == "stopped"

    @property
    def seconds(self) -> float:
        """Training time, without pauses."""
        last = self.ended or self.batch
        return last.seconds if last else 0.0

    @property
    def progress(self) -> float:
        """The completed share of the run, 0 to 1; 0 if its length is unknown."""
        if self.batch is None or self.started is None:
            return 0.0
        if not self.started.epochs:
            return 0.0
        if self.by_steps:
            return min(1.0, (self.epoch.epoch if self.epoch else 0) / self.started.epochs)
        done = (self.batch.epoch - 1) * self.batches + min(self.batch.batch, self.batches)
        return min(1.0, done / max(1, self.batches * self.started.epochs))

    @property
    def by_steps(self) -> bool:
        """Whether positions are counted in steps, as another program hid the length of an epoch."""
        return self.started is not None and not self.started.batches

    @property
    def epoch_progress(self) -> float:
        """The completed share of the present epoch, 0 to 1; 0 if its length is unknown."""
        if self.batch is None or self.by_steps:
            return 0.0
        return min(1.0, self.batch.batch / self.batches)

    @property
    def batches(self) -> int:
        """The number of batches in an epoch, at the present batch size."""
        if self.started is None:
            return 1
        if self.settings is None or self.settings.batch_size == self.started.batch_size:
            return self.started.batches
        return -(-self.started.train_images // self.settings.batch_size)

    @property
    def remedied(self) -> Alert | None:
        """The newest active alert with a remedy that a key can apply."""
        alerts = reversed(self.standing.values())
        return next((alert for alert in alerts if alert.remedy and alert.remedy.changes), None)

    @property
    def seconds_left(self) -> float | None:
        """Remaining time at the mean speed so far; None before the first batch."""
        if not self.progress:
            return None
        return self.seconds * (1 - self.progress) / self.progress

    def _batch(self, event: BatchCompleted) -> None:
        self.batch = event
        # Never backwards: after a larger batch size in mid-epoch there are fewer batches.
        whole = self.started is None or self.by_steps
        at = event.step if whole else max(self._x, event.epoch - 1 + self.epoch_progress)
        self._x = at
        self._further(event.scalars, at)
        self.train_loss.add(at, event.loss)
        self.l2_loss.add(at, event.l2_loss)
        for series, value in ((self.train_accuracy, event.accuracy), (self.lr, event.lr)):
            if not math.isnan(value):
                series.add(at, value)

    def _validation(self, event: ValidationCompleted) -> None:
        self.validation = event
        whole = self.started is None or self.by_steps
        at = event.step if whole else float(event.epoch)
        self.val_loss.add(at, event.loss)
        if math.isnan(event.accuracy):
            # Another program's training, which reports only losses.
            if self.best is None or event.loss < self.best.loss:
                self.best = event
            return
        self.val_accuracy.add(at, event.accuracy)
        if self.best is None or not event.accuracy <= self.best.accuracy:
            self.best = event

    def _further(self, scalars: Scalars | UnsetType, at: float) -> None:
        """Add the figures that only another program knows."""
        for name, value in (scalars or {}).items():
            stem, val = stem_of(name)
            if stem not in self.further:
                if len(self.further) >= MOST_FURTHER:
                    continue
                self.further[stem] = Further(Noisy(by_point=self.by_steps), Series())
            series = self.further[stem].val if val else self.further[stem].train
            series.add(at, math.nan if value is None else value)

    def _layers(self, event: LayersMeasured) -> None:
        self.layers = event
        ratios = [layer.update_ratio for layer in event.layers if layer.update_ratio]
        if ratios:
            for series, ratio in zip(
                self.ratios, (median(ratios), max(ratios), min(ratios)), strict=True
            ):
                series.add(self._x, math.log10(ratio))

    def _alert(self, event: Alert) -> None:
        praise = event.severity == "praise"
        if not praise:
            self.standing[event.code, event.layer] = event
        self._note(event.message if praise else f"! {event.message}")
        if event.evidence:
            self._note(f"  {'; '.join(event.evidence)}")

    def _change(self, event: SettingChanged) -> None:
        if self.settings is not None:
            self.settings = self.settings.with_value(event.name, event.new)
        self.marks = [*self.marks[1 - MARKS :], self._x]
        self._note(f"{event.name} {_shown(event.old)} -> {_shown(event.new)}")

    def _note_step(self, done: str, step: int) -> None:
        """Log a pause, its end or a checkpoint; what a single step did is one line."""
        trail, saved = self._trail, "checkpoint" in (*self._trail, done)
        pauses = done == "paused" or (done == "checkpoint" and trail[-1:] == ("paused",))
        if not pauses:
            self._note(f"{done} at step {step:,}")
            self._trail = (done,) if done == "resumed" else (*trail, done)
            return
        for _ in trail:
            self.log.pop()
        self._note(f"paused at step {step:,}{', with a checkpoint' if saved else ''}")
        self._trail = ("paused",)

    def _note(self, words: str, seconds: float | None = None) -> None:
        self._trail = ()
        self.log.append((self.seconds if seconds is None else seconds, words))


def _start_words(event: RunStarted) -> str:
    if event.program:
        of = f"{event.arch} on {event.data}" if event.data else event.arch
        return f"{of}, trained by {event.program}"
    engine = f", {event.engine}" if event.engine.startswith("torch") else ""
    return f"{event.arch} on {event.data}, {event.train_images:,} images{engine}"


def _epoch_words(event: EpochCompleted, started: RunStarted | None) -> str:
    width = len(str(started.epochs)) if started else 1
    train = _figures_words("train", event.train_loss, event.train_accuracy)
    val = _figures_words("val", event.val_loss, event.val_accuracy)
    return f"epoch {event.epoch:>{width}}{train}{val}"


def _figures_words(split: str, loss: float, accuracy: float) -> str:
    """The figures of a split; of another program's training either may be unknown."""
    if math.isnan(accuracy):
        return "" if math.isnan(loss) else f" {split} {short(loss)}"
    # A column less, so that the line fits in 120x40 beside the other panels.
    share = f"{accuracy:.1%}".replace("100.0%", "100%")
    return f" {split} {short(loss)} {share}"


def _shown(value: SettingValue) -> str:
    return "as in the network" if value is None else f"{value:g}"


def _end_words(event: RunEnded, *, told: bool) -> str:
    if event.reason == "failed":
        return f"! failed at step {event.step:,}" if told else f"! failed: {event.message}"
    test = "" if event.test_accuracy is None else f": test {event.test_accuracy:.1%}"
    test += balanced_words(event.test_balanced_accuracy)
    return ("done" if event.reason == "completed" else "stopped") + test


def read_board(folder: RunFolder) -> Board:
    """Read the recorded state of a run.

    Raises:
        RunError: The run cannot be read.
    """
    folder.info()
    board = Board()
    for event in Follower(folder).poll():
        if isinstance(event, RunStarted) and not event.from_step:
            board = Board()
        board.apply(event)
    return board
