"""The lines of ``trials.jsonl``: whatever happened to a sweep, in order, written by one process."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.decoding import Count, Figure, Ordinal, RunName, Text, Word, event_tag

Value = bool | int | float | Word | None
"""The value of a field; lists are written in words, such as ``3x3``."""

End = Literal["finished", "pruned", "failed"]


class _SweepEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=event_tag):
    pass


class SweepBegun(_SweepEvent, frozen=True):
    """The first line, and one more whenever a coordinator takes the sweep up."""

    title: Text
    fields: tuple[Word, ...]
    """The fields of the space, in the order of the file."""
    objectives: tuple[Word, ...]
    """``accuracy`` or ``loss``, and perhaps ``parameters`` or ``macs``."""
    directions: tuple[Word, ...]
    """``maximize`` or ``minimize``, for each objective."""
    total: Count
    """Trials that the sweep is to have; points that do not fit are not among them."""
    epochs: Ordinal
    """Epochs of the base; a trial may have others."""
    at: Word
    """UTC, ISO 8601."""
    logarithmic: tuple[Word, ...] = ()
    """Fields that are drawn on a logarithmic scale."""


class TrialsAdded(_SweepEvent, frozen=True):
    """More trials were asked for."""

    total: Count


class PointRefused(_SweepEvent, frozen=True):
    """A point whose network does not fit, or that equals an earlier one: it is not trained."""

    number: Count
    values: dict[Word, Value]
    reason: Text


class TrialAsked(_SweepEvent, frozen=True):
    """A point of the space that will be trained."""

    number: Count
    values: dict[Word, Value]
    runs: tuple[RunName, ...]
    """Names of its runs, one a seed."""
    epochs: Ordinal
    parameters: Count
    macs: Count


class TrialStarted(_SweepEvent, frozen=True):
    """A run of a trial begins on a worker, or continues there."""

    number: Count
    seed: Count
    """Which of its runs, from 0."""
    worker: Word
    attempt: Ordinal
    """1 for the first time; more after a failure or a lost worker."""


class TrialReported(_SweepEvent, frozen=True):
    """The objective after an epoch, the mean over the seeds."""

    number: Count
    epoch: Ordinal
    value: Figure | None
    """None if it is not finite."""


class TrialEnded(_SweepEvent, frozen=True):
    """The end of a trial."""

    number: Count
    state: End
    value: Figure | None = None
    """The best value of the first objective; the mean over the seeds."""
    spread: Figure | None = None
    """Standard deviation over the seeds; None for one seed."""
    reason: Text = ""
    """Why it failed, or who pruned it."""
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e10)] = 0.0
    """Seconds from the first start of the trial to its end."""


SweepLine = (
    SweepBegun | TrialsAdded | PointRefused | TrialAsked | TrialStarted | TrialReported | TrialEnded
)
