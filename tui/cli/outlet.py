"""The thread that prints a training: a slow or stopped reader delays nothing else."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunEnded
from cnn_tui.tui.cli.stopping import Ending
from cnn_tui.tui.terminal.shutdown import HANG_UP
from cnn_tui.tui.terminal.streams import is_hang_up

BATCHES, EVENTS = 256, 10_000
"""Waiting lines beyond which lines of batches, or any others, are dropped."""
LAST_LINES = 1.0
"""Seconds after a signal in which waiting lines are still printed."""
Event = TypeVar("Event", contravariant=True)


class Printer(Protocol[Event]):
    """Anything that prints events. The outlet's thread calls everything but :meth:`wants`."""

    pause: float | None
    """Seconds without an event after which :meth:`idle` is called; None for never."""

    def __enter__(self) -> Self:
        """Start printing."""

    def __exit__(self, *error: object) -> None:
        """Stop printing."""

    def wants(self, event: Event) -> bool:
        """Whether the event is printed; called for every event, in order."""

    def show(self, event: Event) -> None:
        """Print an event."""

    def skip(self, count: int) -> None:
        """Print how many lines were dropped here."""

    def idle(self) -> None:
        """Do what is due even without an event."""


@dataclass
class _Gap:
    """The number of lines dropped at one place."""

    count: int = 1


class Outlet(Generic[Event]):
    """Prints events in order, in the background, until it is drained.

    Args:
        printer: Prints the events.
        failed: Called with the error if printing fails; nothing is printed afterwards.
    """

    def __init__(self, printer: Printer[Event], failed: Callable[[Exception], None]) -> None:
        self._printer, self._failed = printer, failed
        self._waiting = deque[Event | _Gap]()
        self._changed, self._closed = threading.Condition(), False
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="outlet", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queue an event for printing; never waits for a reader."""
        if not self._printer.wants(event):
            return
        with self._changed:
            if self._has_room(event):
                self._waiting.append(event)
            else:
                self._leave_out()
            self._changed.notify()

    def drain(self, seconds: float | None = None) -> bool:
        """Wait until everything is printed; returns False on a timeout."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _has_room(self, event: Event) -> bool:
        most = BATCHES if isinstance(event, BatchCompleted) else EVENTS
        return len(self._waiting) < most or isinstance(event, RunEnded)

    def _leave_out(self) -> None:
        last = self._waiting[-1]
        if isinstance(last, _Gap):
            last.count += 1
        else:
            self._waiting.append(_Gap())

    def _work(self) -> None:
        try:
            with self._printer:
                while self._print_next():
                    pass
        except Exception as error:  # the thread's last resort: whoever waits has to hear of it
            self.failure = error
            self._failed(error)

    def _print_next(self) -> bool:
        """Print the next event; returns False at the end."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(self._printer.pause)
            item = self._waiting.popleft() if self._waiting else None
            over = item is None and self._closed
        if isinstance(item, _Gap):
            self._printer.skip(item.count)
        elif item is not None:
            self._printer.show(item)
        elif not over:
            self._printer.idle()
        return not over


@contextmanager
def printing(printer: Printer[Event], control: Control, ending: Ending) -> Iterator[Outlet[Event]]:
    """Print until every event is printed, however long that takes; after a signal not for long.

    Raises:
        OSError: The output can no longer be written; the control was told to stop.
    """

    def give_up(error: Exception) -> None:
        if is_hang_up(error):
            ending.handle(HANG_UP)
        control.stop()

    outlet, words = Outlet(printer, give_up), ""
    try:
        yield outlet
    except CnnTuiError as error:
        words = str(error)
        raise
    finally:
        ending.is_over(words)
        if not outlet.drain(LAST_LINES if ending.code else None):
            ending.enforce()
    if outlet.failure and not ending.code:
        raise outlet.failure
