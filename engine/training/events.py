"""The one stream that leaves a training run: plain, frozen, the same for every consumer.

The dashboard, the plain-line reporter, ``--json`` and the run folder all read these. ``RunStarted``
comes first and ``RunEnded`` exactly once, last. Encoded as JSON each carries ``event``, the name
of its class in snake case.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=_snake):
    pass


class RunStarted(_Event, frozen=True):
    """Sizes and settings of the run that begins."""

    arch: str
    data: str
    params: int
    epochs: int
    batch_size: int
    batches: int
    """Batches per epoch."""
    train_images: int
    val_images: int
    test_images: int
    classes: tuple[str, ...]
    optimizer: str
    lr: float
    seed: int
    threads: int
    from_step: int = 0
    """Steps done before, where a run goes on; what came after that step no longer counts."""
    run: str = ""
    """The name of the run, if it is kept."""
    path: str = ""
    """The folder that keeps it."""


class BatchCompleted(_Event, frozen=True):
    """One optimizer step. ``step`` counts from 1 over the run, ``batch`` from 1 in its epoch."""

    step: int
    epoch: int
    batch: int
    loss: float
    """Data loss, mean over the batch."""
    l2_loss: float
    accuracy: float
    lr: float
    images_per_second: float
    seconds: float
    """Since the run began, pauses left out."""


class ValidationCompleted(_Event, frozen=True):
    """The whole validation split, in evaluation mode."""

    step: int
    epoch: int
    loss: float
    accuracy: float


class EpochCompleted(_Event, frozen=True):
    """One pass over the training split; training figures are means over its batches."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    l2_loss: float
    lr: float
    images_per_second: float
    """Training alone, validation left out."""
    seconds: float
    """Since the run began, pauses left out."""


class RunPaused(_Event, frozen=True):
    """Training waits; weights and optimizer state stay."""

    step: int


class RunResumed(_Event, frozen=True):
    """Training goes on where it was paused."""

    step: int


class LearningRateChanged(_Event, frozen=True):
    """Somebody gave the recipe another ``lr``; a schedule goes on from there."""

    step: int
    lr: float


class CheckpointSaved(_Event, frozen=True):
    """A state from which the run can go on is safely on disk."""

    step: int
    path: str
    seconds: float
    """How long it took, in the background."""
    best: bool = False


class Alert(_Event, frozen=True):
    """Something that a person should know, with the layer where it began if there is one."""

    code: str
    message: str
    step: int
    layer: str = ""


EndReason = Literal["completed", "stopped", "failed"]


class RunEnded(_Event, frozen=True):
    """The last event. The test figures are None when the run failed."""

    reason: EndReason
    step: int
    epoch: int
    seconds: float
    best_val_accuracy: float | None = None
    best_epoch: int | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    message: str = ""
    """Why the run failed, for people."""


RunEvent = (
    RunStarted
    | BatchCompleted
    | ValidationCompleted
    | EpochCompleted
    | RunPaused
    | RunResumed
    | LearningRateChanged
    | CheckpointSaved
    | Alert
    | RunEnded
)
