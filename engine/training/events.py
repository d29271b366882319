"""The one stream that leaves a training run: plain, frozen, the same for every consumer.

The dashboard, the plain-line reporter, ``--json`` and the run folder all read these. ``RunStarted``
comes first and ``RunEnded`` exactly once, last. Encoded as JSON each carries ``event``, the name
of its class in snake case.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from cnn_tui.engine.training.settings import SettingName, SettingValue


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
    mean: tuple[float, ...] = ()
    """Of the training images, one for each channel: what a pixel is lessened by,"""
    std: tuple[float, ...] = ()
    """and then divided by."""
    peak: float = 0.0
    """About the largest pixel of the training images, such as 255."""
    class_shares: tuple[float, ...] = ()
    """Of the training images."""
    from_step: int = 0
    """Steps done before, where a run goes on; what came after that step no longer counts."""
    run: str = ""
    """The name of the run, if it is kept."""
    path: str = ""
    """The folder that keeps it."""
    again_of: str = ""
    """The name of the run that it repeats, if it does."""


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


class SettingChanged(_Event, frozen=True):
    """Somebody changed the recipe while it was followed; from the next batch on."""

    step: int
    name: SettingName
    old: SettingValue
    new: SettingValue


class LayerHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One layer at one step: figures of its weights, or of its outputs where it has none."""

    layer: str
    type: str
    """As in a file: conv, fc, batchnorm; relu, sigmoid, tanh."""
    weight_norm: float | None = None
    """Length of the weight after the step, biases left out."""
    gradient_norm: float | None = None
    """Length of the weight's gradient, L2 and clipping left out."""
    update_ratio: float | None = None
    """Length of the step over that of the weight before it; None where that was 0."""
    units: int | None = None
    """Channels of a volume, elements of a vector."""
    zeros: float | None = None
    """Share of outputs of a ReLU that are 0; where a max pool follows, of those it lets through."""
    dead: float | None = None
    """Share of units of a ReLU that are 0 for every image of the batch, everywhere."""
    saturated: float | None = None
    """Share of outputs of a sigmoid or tanh that have all but reached their bounds."""


class LayersMeasured(_Event, frozen=True):
    """Every layer at this step, in the order in which they run, and the batch that it met."""

    step: int
    epoch: int
    layers: tuple[LayerHealth, ...]
    images: int
    """In the batch."""
    input_mean: float
    """Of all pixels of the batch, as the network gets them."""
    input_std: float
    score_range: float
    """The largest distance between the best and the worst score of an image."""
    commonest_class: int
    """Of the labels of the batch."""
    commonest_share: float


class CheckpointSaved(_Event, frozen=True):
    """A state from which the run can go on is safely on disk."""

    step: int
    path: str
    seconds: float
    """How long it took, in the background."""
    best: bool = False


class Remedy(msgspec.Struct, frozen=True):
    """What would mend a fault; :mod:`cnn_tui.engine.training.remedies` applies it."""

    description: str
    """What it does, as an order."""
    changes: dict[str, float | int | bool | str]
    """New values by name."""
    restart: bool = False
    """Whether training has to begin anew for it; otherwise it is done while the run goes."""


Severity = Literal["praise", "warning", "fatal"]


class Alert(_Event, frozen=True):
    """Something that a person should know, with the layer where it began if there is one."""

    code: str
    message: str
    step: int
    layer: str = ""
    severity: Severity = "warning"
    evidence: tuple[str, ...] = ()
    """Figures that it rests on."""
    remedy: Remedy | None = None


class AlertCleared(_Event, frozen=True):
    """What an alert of this code and layer told is no longer so."""

    code: str
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
    """Why the run failed, or ended before its time, for people."""
    discarded: bool = False
    """Whether its last state was not to be kept."""


RunEvent = (
    RunStarted
    | BatchCompleted
    | ValidationCompleted
    | EpochCompleted
    | RunPaused
    | RunResumed
    | SettingChanged
    | LayersMeasured
    | CheckpointSaved
    | Alert
    | AlertCleared
    | RunEnded
)


def step_of(event: RunEvent) -> int:
    """The step after which it happened."""
    return event.from_step if isinstance(event, RunStarted) else event.step
