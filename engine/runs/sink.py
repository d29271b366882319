"""Whoever else is told of a run by the thread that writes it."""

from __future__ import annotations

from typing import Protocol

from cnn_tui.engine.training.events import RunEvent


class Sink(Protocol):
    """Gets every event in order, on the writer's thread; its failures end neither."""

    trouble: str
    """What it is that :meth:`flush` fails in, for people."""

    def take(self, event: RunEvent) -> None:
        """Take an event."""

    def flush(self) -> None:
        """Let others see what was taken.

        Raises:
            OSError: if the disk refuses; it is tried again.
        """

    def close(self) -> None:
        """Nothing more will come."""
