"""The main figures of a run in one small file, which the list of runs reads."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.decoding import (
    Count,
    Figure,
    Length,
    PathText,
    RunNameOrNone,
    Seconds,
    Share,
    Text,
    Word,
)
from cnn_tui.engine.formats import RUN
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
)

MOST_POINTS = 64
"""Points of the curve; beyond that every second one is dropped."""

State = Literal["running", "paused", "completed", "stopped", "failed", "crashed"]


class Summary(msgspec.Struct, kw_only=True):
    """``summary.json``. Its state is never ``crashed``: readers infer it from a missing writer."""

    format: Count = RUN
    created: Word = ""
    arch: Word = ""
    data: PathText = ""
    params: Count = 0
    optimizer: Word = ""
    lr: Length = 0.0
    epochs: Count = 0
    batches: Count = 0
    state: State = "running"
    step: Count = 0
    epoch: Count = 0
    seconds: Seconds = 0.0
    loss: Figure | None = None
    """The data loss of the last step."""
    val_loss: Figure | None = None
    val_accuracy: Share | None = None
    best_val_accuracy: Share | None = None
    best_epoch: Count | None = None
    test_loss: Figure | None = None
    test_accuracy: Share | None = None
    test_balanced_accuracy: Share | None = None
    """Mean of the classes' recalls; None if they are about equally large."""
    message: Text = ""
    program: Word = ""
    """The program that trains, if it is not cnn-tui."""
    again_of: RunNameOrNone = ""
    """The name of the run that this one reproduces, if any."""
    curve: Annotated[list[Share], msgspec.Meta(max_length=MOST_POINTS)] = []
    """The validation accuracy of every ``stride``-th epoch."""
    stride: Annotated[int, msgspec.Meta(ge=1, le=2**53)] = 1

    def update(self, event: RunEvent) -> None:
        """Update the figures with an event."""
        match event:
            case RunStarted():
                self._begin(event)
            case BatchCompleted():
                self.step, self.epoch, self.seconds = event.step, event.epoch, event.seconds
                self.loss = event.loss
            case EpochCompleted():
                self._add_epoch(event)
            case RunPaused():
                self.state = "paused"
            case RunResumed():
                self.state = "running"
            case RunEnded():
                self._end(event)

    def _begin(self, event: RunStarted) -> None:
        self.arch, self.data, self.params = event.arch, event.data, event.params
        self.optimizer, self.lr = event.optimizer, event.lr
        self.epochs, self.batches = event.epochs, event.batches
        self.again_of, self.program = event.again_of, event.program
        self.state, self.message, self.step = "running", "", event.from_step
        self.test_loss = self.test_accuracy = self.test_balanced_accuracy = None

    def _add_epoch(self, event: EpochCompleted) -> None:
        self.step, self.epoch, self.seconds = event.step, event.epoch, event.seconds
        self.val_loss = event.val_loss if math.isfinite(event.val_loss) else None
        if math.isnan(event.val_accuracy):
            return
        self.val_accuracy = event.val_accuracy
        if self.best_val_accuracy is None or event.val_accuracy > self.best_val_accuracy:
            self.best_val_accuracy, self.best_epoch = event.val_accuracy, event.epoch
        if event.epoch % self.stride == 0:
            self.curve.append(event.val_accuracy)
        if len(self.curve) > MOST_POINTS:
            self.curve, self.stride = self.curve[1::2], self.stride * 2

    def _end(self, event: RunEnded) -> None:
        self.state, self.message = event.reason, event.message
        self.step, self.seconds = event.step, event.seconds
        self.test_loss, self.test_accuracy = event.test_loss, event.test_accuracy
        self.test_balanced_accuracy = event.test_balanced_accuracy


def summarize(events_file: Path, created: str) -> Summary:
    """Compute the summary from the events, where its file is missing or damaged."""
    summary = Summary(created=created)
    for event in read_events(events_file):
        summary.update(event)
    return summary
