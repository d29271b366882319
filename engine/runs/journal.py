"""The written record of a run: its lines and its summary."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import Log
from cnn_tui.engine.runs.summary import Summary, summarize
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.events import BatchCompleted, RunEvent


class Journal:
    """Goes on after the first ``events`` and ``metrics`` bytes of the two files of lines."""

    def __init__(self, folder: RunFolder, storage: Storage, events: int, metrics: int) -> None:
        self._folder, self._storage = folder, storage
        self.events = Log(storage, folder.events_file, events)
        self.metrics = Log(storage, folder.metrics_file, metrics)
        try:
            # What does not count any more is dropped now, before anyone reads it.
            self.events.open()
            self.metrics.open()
            self.summary: Summary = summarize(folder.events_file, folder.info().created)
        except BaseException:
            self.close()
            raise

    def add(self, event: RunEvent) -> None:
        """Take an event; :meth:`flush` writes it."""
        (self.metrics if isinstance(event, BatchCompleted) else self.events).add(event)
        self.summary.take(event)

    def flush(self) -> None:
        """Let others see it.

        Events first: whoever then reads metrics before events meets no step whose forerunners
        are still to come.
        """
        self.events.flush()
        self.metrics.flush()

    def sync(self) -> None:
        """Make it durable."""
        self.events.sync()
        self.metrics.sync()

    def write_summary(self) -> None:
        """Renew ``summary.json``, the heartbeat; it need not be durable, the lines are."""
        content = msgspec.json.encode(self.summary)
        replace_file(self._storage, self._folder.summary_file, [content], durable=False)

    def close(self) -> None:
        """Close the files."""
        self.events.close()
        self.metrics.close()
