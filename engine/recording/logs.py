"""The logs of other programs that can be watched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from cnn_tui.engine.training.events import RunEvent


class ForeignLog(Protocol):
    """A growing log, read only; it never says that it has ended."""

    path: Path
    name: str

    def poll(self) -> Iterator[RunEvent]:
        """The new events.

        Raises:
            RunError: if it cannot be read any more.
        """

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
