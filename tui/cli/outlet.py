"""The thread that prints a training: a reader that is slow or asleep holds up nothing else."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cnn_tui.engine.training.events import BatchCompleted, RunEnded, RunEvent
from cnn_tui.tui.cli.reporters import Reporter

BATCHES, EVENTS = 256, 10_000
"""Lines that may wait before those of batches, and before any others, are left out."""


@dataclass
class _Gap:
    """Lines that were left out at one place."""

    count: int = 1


class Outlet:
    """Prints events in their order, in the background, until it is drained.

    Args:
        reporter: Prints them.
        failed: Called with the error if that fails; nothing is printed any more.
    """

    def __init__(self, reporter: Reporter, failed: Callable[[Exception], None]) -> None:
        self._reporter, self._failed = reporter, failed
        self._waiting = deque[RunEvent | _Gap]()
        self._changed, self._closed = threading.Condition(), False
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="outlet", daemon=True)
        self._thread.start()

    def put(self, event: RunEvent) -> None:
        """Leave an event to be printed; never waits for a reader."""
        if not self._reporter.wants(event):
            return
        with self._changed:
            if self._has_room(event):
                self._waiting.append(event)
            else:
                self._leave_out()
            self._changed.notify()

    def drain(self, seconds: float | None = None) -> bool:
        """Wait until everything is printed; False if it was not in time."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _has_room(self, event: RunEvent) -> bool:
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
            with self._reporter:
                while self._take():
                    pass
        except Exception as error:  # the thread's last resort: whoever waits has to hear of it
            self.failure = error
            self._failed(error)

    def _take(self) -> bool:
        """Print what comes next; False at the end."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(self._reporter.pause)
            item = self._waiting.popleft() if self._waiting else None
            over = item is None and self._closed
        if isinstance(item, _Gap):
            self._reporter.skip(item.count)
        elif item is not None:
            self._reporter.show(item)
        elif not over:
            self._reporter.idle()
        return not over
