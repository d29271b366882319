"""The queue from the training thread to the screen: bounded, coalescing, never waiting.

The trainer puts every event in and continues; the app drains the queue on a timer. When the screen
stalls, neighbouring events are dropped, but never the first and the last of a type, its smallest
and largest loss, or the start and the end of the run.
"""

from __future__ import annotations

import math
import threading
from itertools import chain, count
from operator import itemgetter

from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    RunEvent,
    ValidationCompleted,
)

CAPACITY = 2048
"""Waiting events of one type at most; a screen that keeps up sees a few hundred at a time."""

_Numbered = tuple[int, RunEvent]


class Mailbox:
    """Thread-safe; :meth:`put` costs microseconds and never waits for the reader."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._number = count()
        self._waiting: dict[type, list[_Numbered]] = {}

    def put(self, event: RunEvent) -> None:
        """Add an event; called by the trainer, on its thread."""
        with self._lock:
            waiting = self._waiting.setdefault(type(event), [])
            waiting.append((next(self._number), event))
            if len(waiting) > self._capacity:
                waiting[:] = _thin(waiting)

    def drain(self) -> tuple[RunEvent, ...]:
        """Remove and return all events in their order; called by the app."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        numbered = sorted(chain.from_iterable(waiting.values()), key=itemgetter(0))
        return tuple(event for _, event in numbered)


def _thin(waiting: list[_Numbered]) -> list[_Numbered]:
    """Keep the two extremes of every four neighbours, and the first and the last of all."""
    kept = {pair[0]: pair for pair in (waiting[0], waiting[-1])}
    for start in range(0, len(waiting), 4):
        group = waiting[start : start + 4]
        kept |= {pair[0]: pair for pair in (min(group, key=_loss), max(group, key=_loss))}
    return list(kept.values())


def _loss(numbered: _Numbered) -> float:
    """Return the value by which extremes are chosen; a loss that is not finite is the largest."""
    match numbered[1]:
        case BatchCompleted(loss=loss) | ValidationCompleted(loss=loss):
            return loss if math.isfinite(loss) else math.inf
        case EpochCompleted(train_loss=loss):
            return loss if math.isfinite(loss) else math.inf
    return numbered[0]
