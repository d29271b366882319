"""A recorded run in memory, each event with its time, to be played back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.follow import BACKLOG, Follower
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunEvent,
    RunStarted,
)


class TimedEvent(NamedTuple):
    """An event, and when it happened: seconds since the run began, without pauses."""

    seconds: float
    event: RunEvent


@dataclass(frozen=True)
class Playback:
    """The moments of a run in their order, the first of them its start."""

    name: str
    moments: tuple[TimedEvent, ...]
    folder: RunFolder | None = None
    """The folder of the run; None for a file of events."""

    @property
    def seconds(self) -> float:
        """When the last event happened."""
        return self.moments[-1].seconds

    @property
    def whole(self) -> bool:
        """Whether the recording has the end of the run."""
        return isinstance(self.moments[-1].event, RunEnded)


def read_playback(path: Path) -> Playback:
    """Read the folder of a run, or a file of the lines that ``cnn-tui train --json`` prints.

    Of a long run a sample of the steps is read, as when it is watched. A file may be cut off.

    Raises:
        RunError: if it cannot be read, or does not have the start of a run.
    """
    folder = RunFolder(path) if path.is_dir() else None
    if folder is not None:
        folder.info()
    moments = _timed(Follower(folder).poll() if folder else read_events(path))
    if not moments:
        raise RunError(
            f"{path} cannot be played: it does not have the start of a run.",
            "A run can be, or the lines that cnn-tui train --json prints.",
        )
    return Playback(path.name, moments, folder)


def _timed(events: Iterator[RunEvent]) -> tuple[TimedEvent, ...]:
    """The moments since the last new start; an event without a time has that of the one before."""
    moments: list[TimedEvent] = []
    now, steps = 0.0, 0
    for event in events:
        if isinstance(event, RunStarted) and not event.from_step:
            moments, now, steps = [], 0.0, 0
        elif not moments:
            continue
        if isinstance(event, BatchCompleted | EpochCompleted | RunEnded):
            now = max(now, event.seconds)
        moments.append(TimedEvent(now, event))
        steps += isinstance(event, BatchCompleted)
        if steps > 2 * BACKLOG:
            moments, steps = _thinned(moments), steps // 2
    return tuple(moments)


def _thinned(moments: list[TimedEvent]) -> list[TimedEvent]:
    """Every second step, and all other events."""
    kept = itertools.cycle((False, True))
    return [one for one in moments if not isinstance(one.event, BatchCompleted) or next(kept)]
