"""The one object that goes down to a training run; the trainer reads it once per batch."""

from __future__ import annotations

import threading
from collections import deque


class Control:
    """Steers a trainer from any thread, or from a signal handler."""

    def __init__(self) -> None:
        self._running = threading.Event()
        self._running.set()
        self._stopping = threading.Event()
        self._lr = deque[float](maxlen=1)

    def pause(self) -> None:
        """Let the current batch end, then wait."""
        self._running.clear()

    def resume(self) -> None:
        """Go on after a pause."""
        self._running.set()

    def stop(self) -> None:
        """End the run after the current batch, paused or not."""
        self._stopping.set()
        self._running.set()

    def set_lr(self, lr: float) -> None:
        """Give the recipe another learning rate from the next batch on."""
        self._lr.append(lr)

    def take_lr(self) -> float | None:
        """The learning rate that was asked for since the last call; for the trainer."""
        try:
            return self._lr.pop()
        except IndexError:
            return None

    @property
    def paused(self) -> bool:
        """Whether a pause was asked for and not yet taken back."""
        return not self._running.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stopping.is_set()

    def wait_while_paused(self) -> None:
        """Block until :meth:`resume` or :meth:`stop`."""
        self._running.wait()
