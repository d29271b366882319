"""The thread that writes a run: takes from a queue, encodes, writes, waits for the disk."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.errors import reason_of
from cnn_tui.engine.runs.checkpoints import Checkpoints, Meta
from cnn_tui.engine.runs.fingerprint import Fingerprint
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import Log
from cnn_tui.engine.runs.requests import RequestInbox
from cnn_tui.engine.runs.summary import Summary, summarize
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.events import Alert, BatchCompleted, CheckpointSaved, RunEvent
from cnn_tui.engine.training.snapshot import Snapshot


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
        content = encode(self.summary)
        replace_file(self._storage, self._folder.summary_file, [content], durable=False)

    def close(self) -> None:
        """Close the files."""
        self.events.close()
        self.metrics.close()


TICK = 0.25
"""Seconds between looks at the queue and at requests."""
HEARTBEAT = 1.0
"""Seconds between summaries."""
_STATE = "a checkpoint cannot be saved"
_FIGURES, _SUMMARY = "its figures cannot be saved", "its summary cannot be saved"


@dataclass(eq=False)
class Save:
    """A state on its way to the disk."""

    snapshot: Snapshot | None
    """None once a later state has taken its place."""
    best: bool
    failed: bool = False


Item = RunEvent | Save | threading.Event


class Writer:
    """Works from :meth:`start` to :meth:`close`. No failure of the disk ends it.

    Things are written in the order in which they were put; an event that was put is set when all
    before it is durable, or has failed.
    """

    def __init__(
        self,
        run: str,
        checkpoints: Checkpoints,
        desk: RequestInbox,
        belongs: Fingerprint,
        sinks: Sequence[Sink] = (),
    ) -> None:
        self._run, self._checkpoints, self._desk = run, checkpoints, desk
        self._belongs, self._sinks = belongs, sinks
        self._queue = deque[Item]()
        self._wake, self._closing = threading.Event(), False
        self._troubles = dict[str, str]()
        self._beat = 0.0
        self.reports = deque[RunEvent]()
        """For the stream of events."""

    def start(self, journal: Journal) -> None:
        """Begin."""
        self._journal = journal
        self._thread = threading.Thread(target=self._work, name="run-writer", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Leave something to write; never waits."""
        self._queue.append(item)

    def settle(self) -> None:
        """Wait until all that was put is durable or has failed."""
        done = threading.Event()
        self._queue.append(done)
        self._wake.set()
        # No fault of the writer's may keep a trainer waiting for ever.
        while not done.wait(1.0) and self._thread.is_alive():
            self._wake.set()

    def close(self) -> None:
        """Write what is left and end the thread."""
        self.settle()
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._journal.close()
        for sink in self._sinks:
            sink.close()

    @property
    def unwritten(self) -> str:
        """Why what is kept of the run is not up to date; empty if it is."""
        troubles = (self._troubles.get(what, "") for what in (_STATE, _FIGURES, _SUMMARY))
        return next(filter(None, troubles), "")

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait(TICK)
            self._wake.clear()
            self._round()
        self._attempt(_SUMMARY, self._journal.write_summary)

    def _round(self) -> None:
        while self._queue:
            handle = partial(self._handle, self._queue.popleft())
            self._attempt("an event cannot be written", handle)
        self._attempt(_FIGURES, self._journal.flush)
        self._flush_sinks()
        if time.monotonic() - self._beat >= HEARTBEAT:
            self._beat = time.monotonic()
            self._attempt(_SUMMARY, self._journal.write_summary)
        self._attempt("a request cannot be answered", self._desk.serve)

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
        self._attempt("its figures cannot be kept safe from a power cut", self._journal.sync)

    def _save(self, save: Save) -> None:
        snapshot = save.snapshot
        if snapshot is not None:
            # The lines first: a checkpoint counts on those before it.
            self._sync()
            save.failed = not self._attempt(_STATE, lambda: self._write(snapshot, save.best))
        save.snapshot = None

    def _write(self, snapshot: Snapshot, best: bool) -> None:
        began = time.monotonic()
        meta = Meta(
            network=self._belongs.network,
            data=self._belongs.data,
            events=self._journal.events.length,
            metrics=self._journal.metrics.length,
            progress=snapshot.progress,
        )
        path = self._checkpoints.save(snapshot, meta, best=best)
        seconds = time.monotonic() - began
        step = snapshot.progress.step
        self.reports.append(CheckpointSaved(step=step, path=str(path), seconds=seconds, best=best))

    def _attempt(self, what: str, action: Callable[[], None]) -> bool:
        """Whether it went well; the first failure and the first success after it are reported."""
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
                message=f"Of the run {self._run} {message}",
                step=self._journal.summary.step,
            )
        )
