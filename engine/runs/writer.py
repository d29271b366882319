"""The thread that writes a run: encodes what is queued, writes it and waits for the disk."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.errors import reason_of
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import Log
from cnn_tui.engine.runs.requests import RequestInbox
from cnn_tui.engine.runs.summary import Summary, summarize
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.events import Alert, BatchCompleted, CheckpointSaved, RunEvent

if TYPE_CHECKING:
    # NumPy, without which other programs' trainings are recorded.
    from cnn_tui.engine.training.snapshot import Snapshot


class Sink(Protocol):
    """A further consumer of a run's events, on the writer's thread; its failures end nothing."""

    trouble: str
    """The subject of messages when :meth:`flush` fails."""

    def take(self, event: RunEvent) -> None:
        """Buffer the next event."""

    def flush(self) -> None:
        """Write the buffered events.

        Raises:
            OSError: if the disk refuses; the writer tries again.
        """

    def close(self) -> None:
        """Close after the last event."""


class Journal:
    """The lines and the summary of a run.

    It continues after the first ``events`` and ``metrics`` bytes of the two files of lines.
    """

    def __init__(self, folder: RunFolder, storage: Storage, events: int, metrics: int) -> None:
        self._folder, self._storage = folder, storage
        self.events = Log(storage, folder.events_file, events)
        self.metrics = Log(storage, folder.metrics_file, metrics)
        try:
            # Opening truncates the files, before anybody reads invalid lines.
            self.events.open()
            self.metrics.open()
            self.summary: Summary = summarize(folder.events_file, folder.info().created)
        except BaseException:
            self.close()
            raise

    def add(self, event: RunEvent) -> None:
        """Buffer an event; :meth:`flush` writes it."""
        (self.metrics if isinstance(event, BatchCompleted) else self.events).add(event)
        self.summary.update(event)

    def flush(self) -> None:
        """Write the buffered events, so that readers see them.

        Events first: a reader that reads metrics before events then sees no step before the events
        that precede it.
        """
        self.events.flush()
        self.metrics.flush()

    def sync(self) -> None:
        """Make the written lines durable."""
        self.events.sync()
        self.metrics.sync()

    def write_summary(self) -> None:
        """Rewrite ``summary.json``, the heartbeat; only the lines have to be durable."""
        content = encode(self.summary)
        replace_file(self._storage, self._folder.summary_file, [content], durable=False)

    def close(self) -> None:
        """Close both files."""
        self.events.close()
        self.metrics.close()


TICK = 0.25
"""Seconds between checks of the queue and of requests."""
HEARTBEAT = 1.0
"""Seconds between summaries."""
_STATE = "a checkpoint cannot be saved"
_FIGURES, _SUMMARY = "its figures cannot be saved", "its summary cannot be saved"


@dataclass(eq=False)
class Save:
    """A state queued for writing."""

    snapshot: Snapshot | None
    """None once the state is written or replaced by a later one."""
    best: bool
    lasting: bool = False
    failed: bool = False


Item = RunEvent | Save | threading.Event


class Keep(Protocol):
    """Writes a state; a resume from it keeps these many bytes of the two files of lines."""

    def __call__(self, save: Save, snapshot: Snapshot, *, events: int, metrics: int) -> Path:
        """Return the file, once it is durable."""


class Writer:
    """The writing thread, from :meth:`start` to :meth:`close`; no failure of the disk ends it.

    Items are written in the order of :meth:`put`. A ``threading.Event`` is set once all earlier
    items are durable or have failed.
    """

    def __init__(
        self,
        run: str,
        inbox: RequestInbox,
        keep: Keep | None = None,
        sinks: Sequence[Sink] = (),
    ) -> None:
        self._run, self._inbox, self._keep, self._sinks = run, inbox, keep, sinks
        self._queue = deque[Item]()
        self._wake, self._closing = threading.Event(), False
        self._troubles = dict[str, str]()
        self._beat = 0.0
        self.reports = deque[RunEvent]()
        """Events for the trainer to emit."""

    def start(self, journal: Journal) -> None:
        """Start the thread."""
        self._journal = journal
        self._thread = threading.Thread(target=self._work, name="run-writer", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Queue an item; never blocks."""
        self._queue.append(item)

    @property
    def waiting(self) -> int:
        """Items that are not written yet."""
        return len(self._queue)

    def settle(self, patience: float = math.inf) -> None:
        """Wait up to ``patience`` seconds until all queued items are durable or have failed."""
        done, until = threading.Event(), time.monotonic() + patience
        self._queue.append(done)
        self._wake.set()
        # A dead writer must not block the trainer for ever.
        while (
            not done.wait(min(1.0, patience))
            and self._thread.is_alive()
            and time.monotonic() < until
        ):
            self._wake.set()

    def close(self, patience: float = math.inf) -> None:
        """Write all queued items and end the thread; it is left alone if the disk hangs longer."""
        self.settle(patience)
        self._closing = True
        self._wake.set()
        self._thread.join(None if patience == math.inf else patience)
        if self._thread.is_alive():
            return
        self._journal.close()
        for sink in self._sinks:
            sink.close()

    @property
    def unwritten(self) -> str:
        """Why the files of the run are not up to date; empty if they are."""
        troubles = (self._troubles.get(what, "") for what in (_STATE, _FIGURES, _SUMMARY))
        return next(filter(None, troubles), "")

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait(TICK)
            self._wake.clear()
            self._round()
        self._summarize()

    def _round(self) -> None:
        while self._queue:
            handle = partial(self._handle, self._queue.popleft())
            self._attempt("an event cannot be written", handle)
        self._attempt(_FIGURES, self._journal.flush)
        self._flush_sinks()
        if time.monotonic() - self._beat >= HEARTBEAT:
            self._beat = time.monotonic()
            self._summarize()
        self._attempt("a request cannot be answered", self._inbox.serve)

    def _summarize(self) -> None:
        # A small summary may fit where the last state or line did not: the run has not ended well.
        behind = _STATE in self._troubles or _FIGURES in self._troubles
        if not (behind and self._journal.summary.state in ("completed", "stopped")):
            self._attempt(_SUMMARY, self._journal.write_summary)

    def _handle(self, item: Item) -> None:
        if isinstance(item, Save):
            self._save(item)
        elif isinstance(item, threading.Event):
            self._sync()
            self._flush_sinks()
            item.set()
        else:
            self._journal.add(item)
            for sink in self._sinks:
                sink.take(item)

    def _flush_sinks(self) -> None:
        for sink in self._sinks:
            self._attempt(sink.trouble, sink.flush)

    def _sync(self) -> None:
        self._attempt("its figures cannot be protected from a power cut", self._journal.sync)

    def _save(self, save: Save) -> None:
        snapshot = save.snapshot
        if snapshot is not None and self._keep is not None:
            # The lines first: a checkpoint relies on all lines before it.
            self._sync()
            write = partial(self._write, self._keep, save, snapshot)
            save.failed = not self._attempt(_STATE, write)
        save.snapshot = None

    def _write(self, keep: Keep, save: Save, snapshot: Snapshot) -> None:
        began, journal = time.monotonic(), self._journal
        lines = {"events": journal.events.length, "metrics": journal.metrics.length}
        path = keep(save, snapshot, **lines)
        self.reports.append(
            CheckpointSaved(
                step=snapshot.progress.step,
                path=str(path),
                seconds=time.monotonic() - began,
                best=save.best,
                lasting=save.lasting,
            )
        )

    def _attempt(self, what: str, action: Callable[[], None]) -> bool:
        """Whether ``action`` succeeded; the first failure and the recovery are reported."""
        try:
            action()
        except Exception as error:  # the thread's last resort: training must not end for it
            if what not in self._troubles:
                why = reason_of(error)
                self._troubles[what] = (
                    why if isinstance(error, OSError) else f"{type(error).__name__}: {why}"
                )
                kept = "Training continues; what was saved is kept."
                self._alert("run-not-saved", f"{what}: {self._troubles[what]}. {kept}")
            return False
        if what in self._troubles:
            del self._troubles[what]
            self._alert("run-saved-again", f"{what.replace('cannot', 'could not')}; now it can.")
        return True

    def _alert(self, code: str, message: str) -> None:
        self.reports.append(
            Alert(
                code=code,
                message=f"Run {self._run}: {message}",
                step=self._journal.summary.step,
            )
        )
