"""The one stream that leaves a training run: plain, frozen, the same for every consumer.

The dashboard, the plain-line reporter, ``--json`` and the run folder all read these. ``RunStarted``
comes first and ``RunEnded`` exactly once, last. Encoded as JSON each carries ``event``, the name
of its class in snake case. The bounds of the fields hold for what is read from a file.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.decoding import (
    Count,
    Figure,
    Length,
    Ordinal,
    PathText,
    RunNameOrNone,
    Seconds,
    Share,
    Text,
    Word,
)
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.training.settings import SettingName, Settings, SettingValue


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=_snake):
    pass


_Pixel = Annotated[float, msgspec.Meta(ge=-1e30, le=1e30)]
"""What float32 can hold, with room to reckon."""


class RunStarted(_Event, frozen=True):
    """Sizes and settings of the run that begins."""

    arch: Word
    data: PathText
    params: Count
    epochs: Ordinal
    batch_size: Ordinal
    batches: Ordinal
    """Batches per epoch."""
    train_images: Ordinal
    val_images: Count
    test_images: Count
    classes: Annotated[tuple[Text, ...], msgspec.Meta(max_length=65_536)]
    optimizer: Word
    lr: Length
    seed: Count
    threads: Ordinal
    mean: tuple[_Pixel, ...] = ()
    """Of the training images, one for each channel: what a pixel is lessened by,"""
    std: tuple[_Pixel, ...] = ()
    """and then divided by."""
    peak: _Pixel = 0.0
    """About the largest pixel of the training images, such as 255."""
    class_shares: tuple[Share, ...] = ()
    """Of the training images."""
    from_step: Count = 0
    """Steps done before, where a run goes on; what came after that step no longer counts."""
    run: RunNameOrNone = ""
    """The name of the run, if it is kept."""
    path: PathText = ""
    """The folder that keeps it."""
    again_of: RunNameOrNone = ""
    """The name of the run that it repeats, if it does."""


class BatchCompleted(_Event, frozen=True):
    """One optimizer step. ``step`` counts from 1 over the run, ``batch`` from 1 in its epoch."""

    step: Ordinal
    epoch: Ordinal
    batch: Ordinal
    loss: Figure
    """Data loss, mean over the batch."""
    l2_loss: Figure
    accuracy: Share
    lr: Length
    images_per_second: Length
    seconds: Seconds
    """Since the run began, pauses left out."""


class ValidationCompleted(_Event, frozen=True):
    """The whole validation split, in evaluation mode."""

    step: Count
    epoch: Count
    loss: Figure
    accuracy: Share


class EpochCompleted(_Event, frozen=True):
    """One pass over the training split; training figures are means over its batches."""

    epoch: Count
    step: Count
    train_loss: Figure
    train_accuracy: Share
    val_loss: Figure
    val_accuracy: Share
    l2_loss: Figure
    lr: Length
    images_per_second: Length
    """Training alone, validation left out."""
    seconds: Seconds
    """Since the run began, pauses left out."""


class RunPaused(_Event, frozen=True):
    """Training waits; weights and optimizer state stay."""

    step: Count


class RunResumed(_Event, frozen=True):
    """Training goes on where it was paused."""

    step: Count


class SettingChanged(_Event, frozen=True):
    """Somebody changed the recipe while it was followed; from the next batch on."""

    step: Count
    name: SettingName
    old: SettingValue
    new: SettingValue

    def __post_init__(self) -> None:
        """Refuse a value that no recipe takes; the error is one that decoding knows."""
        try:
            for value in (self.old, self.new):
                Settings(lr=1.0).with_value(self.name, value)
        except SpecError as error:
            raise ValueError(str(error)) from None


class LayerHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One layer at one step: figures of its weights, or of its outputs where it has none."""

    layer: Word
    type: Word
    """As in a file: conv, fc, batchnorm; relu, sigmoid, tanh."""
    weight_norm: Length | None = None
    """Length of the weight after the step, biases left out."""
    gradient_norm: Length | None = None
    """Length of the weight's gradient, L2 and clipping left out."""
    update_ratio: Length | None = None
    """Length of the step over that of the weight before it; None where that was 0."""
    units: Count | None = None
    """Channels of a volume, elements of a vector."""
    zeros: Share | None = None
    """Share of outputs of a ReLU that are 0; where a max pool follows, of those it lets through."""
    dead: Share | None = None
    """Share of units of a ReLU that are 0 for every image of the batch, everywhere."""
    saturated: Share | None = None
    """Share of outputs of a sigmoid or tanh that have all but reached their bounds."""


class LayersMeasured(_Event, frozen=True):
    """Every layer at this step, in the order in which they run, and the batch that it met."""

    step: Count
    epoch: Count
    layers: tuple[LayerHealth, ...]
    images: Count
    """In the batch."""
    input_mean: Figure
    """Of all pixels of the batch, as the network gets them."""
    input_std: Length
    score_range: Length
    """The largest distance between the best and the worst score of an image."""
    commonest_class: Count
    """Of the labels of the batch."""
    commonest_share: Share


class CheckpointSaved(_Event, frozen=True):
    """A state from which the run can go on is safely on disk."""

    step: Count
    path: PathText
    seconds: Seconds
    """How long it took, in the background."""
    best: bool = False


class Remedy(msgspec.Struct, frozen=True):
    """What would mend a fault; :mod:`cnn_tui.engine.training.remedies` applies it."""

    description: Text
    """What it does, as an order."""
    changes: dict[Word, Figure | Count | bool | Word]
    """New values by name."""
    restart: bool = False
    """Whether training has to begin anew for it; otherwise it is done while the run goes."""


Severity = Literal["praise", "warning", "fatal"]


class Alert(_Event, frozen=True):
    """Something that a person should know, with the layer where it began if there is one."""

    code: Word
    message: Text
    step: Count
    layer: Word = ""
    severity: Severity = "warning"
    evidence: tuple[Text, ...] = ()
    """Figures that it rests on."""
    remedy: Remedy | None = None


class AlertCleared(_Event, frozen=True):
    """What an alert of this code and layer told is no longer so."""

    code: Word
    step: Count
    layer: Word = ""


EndReason = Literal["completed", "stopped", "failed"]


class RunEnded(_Event, frozen=True):
    """The last event. The test figures are None when the run failed."""

    reason: EndReason
    step: Count
    epoch: Count
    seconds: Seconds
    best_val_accuracy: Share | None = None
    best_epoch: Count | None = None
    test_loss: Figure | None = None
    test_accuracy: Share | None = None
    message: Text = ""
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
