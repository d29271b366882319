"""The events of a training run, frozen and the same for every consumer.

The dashboard, the plain-line reporter, ``--json`` and the run folder all read them. ``RunStarted``
is the first event and ``RunEnded`` the last, exactly once. In JSON each has a field ``event`` with
its class name in snake case. The bounds of the fields are checked when events are read from a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    event_tag,
)
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.formats import EVENTS
from cnn_tui.engine.layer_health import LayerHealth as LayerHealth
from cnn_tui.engine.training.settings import SETTING_NAMES, SettingName, Settings, SettingValue


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=event_tag):
    pass


_Pixel = Annotated[float, msgspec.Meta(ge=-1e30, le=1e30)]
"""A float32 value, with room for arithmetic."""


class RunStarted(_Event, frozen=True):
    """The start of a run, with its sizes and settings; 0 for a size that another program hid."""

    arch: Word
    data: PathText
    params: Count
    epochs: Count
    batch_size: Count
    batches: Count
    """Batches per epoch."""
    train_images: Count
    val_images: Count
    test_images: Count
    classes: Annotated[tuple[Text, ...], msgspec.Meta(max_length=65_536)]
    optimizer: Word
    lr: Length
    seed: Count
    threads: Count
    engine: Word = ""
    """Who computes, in which version, and where; empty in runs of earlier versions."""
    mean: tuple[_Pixel, ...] = ()
    """Mean of each channel, which is subtracted from every pixel."""
    std: tuple[_Pixel, ...] = ()
    """Standard deviation of each channel, by which pixels are then divided."""
    peak: _Pixel = 0.0
    """About the largest pixel of the training images, such as 255."""
    class_shares: tuple[Share, ...] = ()
    """Share of each class in the training images."""
    from_step: Count = 0
    """Steps done before a resume; earlier events of later steps are void."""
    run: RunNameOrNone = ""
    """The name of the run, if it is saved."""
    path: PathText = ""
    """The folder of the run, if it is saved."""
    again_of: RunNameOrNone = ""
    """The name of the run that this one reproduces, if any."""
    program: Word = ""
    """The program that trains, if it is not cnn-tui: then there is no network of ours."""
    origin: Word = ""
    """The name of the run whose weights this one begins with, if any."""
    format: Count = EVENTS
    """Version of this stream of events."""


Scalars = dict[Word, Figure | None]
"""Further figures by name; None for one that is not finite."""


class BatchCompleted(_Event, frozen=True):
    """One optimizer step. ``step`` counts from 1 over the run, ``batch`` from 1 in its epoch.

    Of another program's training, accuracy and rate are NaN if it does not report them.
    """

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
    """Seconds since the run began, without pauses."""
    scalars: Scalars | msgspec.UnsetType = msgspec.UNSET


class ValidationCompleted(_Event, frozen=True):
    """A pass over the whole validation split, in evaluation mode."""

    step: Count
    epoch: Count
    loss: Figure
    accuracy: Share
    balanced_accuracy: Share | None = None
    """Mean of the recalls; None if the classes are about equally large."""
    recalls: Annotated[tuple[Share | None, ...], msgspec.Meta(max_length=65_536)] = ()
    """Share of each class's images that were right, with :attr:`balanced_accuracy`."""


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
    """Speed of training, without validation."""
    seconds: Seconds
    """Seconds since the run began, without pauses."""
    val_balanced_accuracy: Share | None = None
    """Mean of the classes' recalls; None if they are about equally large."""
    scalars: Scalars | msgspec.UnsetType = msgspec.UNSET


class RunPaused(_Event, frozen=True):
    """Training pauses; weights and optimizer state stay in memory."""

    step: Count


class RunResumed(_Event, frozen=True):
    """Training continues after a pause."""

    step: Count


class SettingChanged(_Event, frozen=True):
    """A setting of the recipe was changed during training, from the next batch on."""

    step: Count
    name: SettingName
    old: SettingValue
    new: SettingValue

    def __post_init__(self) -> None:
        """Refuse an invalid value, with the error that decoding expects."""
        try:
            for value in (self.old, self.new):
                Settings(lr=1.0).with_value(self.name, value)
        except SpecError as error:
            raise ValueError(str(error)) from None


def setting_changes(step: int, old: Settings, new: Settings) -> Iterator[SettingChanged]:
    """Yield the change of each setting that differs."""
    for name in SETTING_NAMES:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield SettingChanged(step=step, name=name, old=before, new=after)


class LayersMeasured(_Event, frozen=True):
    """Measurements of every layer at one step, in the order in which they run, and of its batch."""

    step: Count
    epoch: Count
    layers: tuple[LayerHealth, ...]
    images: Count
    """Images in the batch."""
    input_mean: Figure
    """Mean of all normalised pixels of the batch."""
    input_std: Length
    score_range: Length
    """Largest difference between the highest and the lowest score of an image."""
    commonest_class: Count
    """Most frequent label of the batch."""
    commonest_share: Share


class CheckpointSaved(_Event, frozen=True):
    """A state from which the run can be resumed has been written to disk."""

    step: Count
    path: PathText
    seconds: Seconds
    """Duration of the write, in the background."""
    best: bool = False
    lasting: bool = False
    """Whether the state stays, by ``keep_every`` of the recipe."""


class Remedy(msgspec.Struct, frozen=True):
    """A correction of a fault; :mod:`cnn_tui.engine.training.remedies` applies it."""

    description: Text
    """The action in the imperative."""
    changes: dict[Word, Figure | Count | bool | Word]
    """New values by name."""
    restart: bool = False
    """Whether training must restart; otherwise the change is made while the run continues."""


Severity = Literal["praise", "warning", "fatal"]


class Alert(_Event, frozen=True):
    """A message for the user, with the layer where the fault began if there is one."""

    code: Word
    message: Text
    step: Count
    layer: Word = ""
    severity: Severity = "warning"
    evidence: tuple[Text, ...] = ()
    """Figures that support the message."""
    remedy: Remedy | None = None

    @property
    def gist(self) -> str:
        """The first clause of the message."""
        return re.split(r"[:.;](?= |$)", self.message, maxsplit=1)[0]


class AlertCleared(_Event, frozen=True):
    """The alert of this code and layer no longer applies."""

    code: Word
    step: Count
    layer: Word = ""


EndReason = Literal["completed", "stopped", "failed"]


class RunEnded(_Event, frozen=True):
    """The last event of a run. The test figures are None if the run failed."""

    reason: EndReason
    step: Count
    epoch: Count
    seconds: Seconds
    best_val_accuracy: Share | None = None
    best_epoch: Count | None = None
    test_loss: Figure | None = None
    test_accuracy: Share | None = None
    test_balanced_accuracy: Share | None = None
    """Mean of the classes' recalls; None if they are about equally large."""
    message: Text = ""
    """The reason of a failure or an early end, for people."""
    discarded: bool = False
    """Whether the last state was discarded."""


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
    """The step after which the event happened."""
    return event.from_step if isinstance(event, RunStarted) else event.step
