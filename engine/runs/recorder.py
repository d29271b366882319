"""Records a run in its folder while it trains, as a consumer of the event stream.

The trainer's thread only copies states and queues them with the events;
:mod:`cnn_tui.engine.runs.writer` writes them on a thread of its own.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.protocol import Engine, EngineOptimizer
from cnn_tui.engine.runs.checkpoints import Checkpoint, Checkpoints, Meta
from cnn_tui.engine.runs.environment import environment
from cnn_tui.engine.runs.fingerprint import Fingerprint, network_digest
from cnn_tui.engine.runs.folder import Reproduction, RunFolder
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.runs.reproduction import Steering, original_of
from cnn_tui.engine.runs.requests import RequestInbox
from cnn_tui.engine.runs.stamp import utc_now
from cnn_tui.engine.runs.tensors import layout_of
from cnn_tui.engine.runs.verdict import judge
from cnn_tui.engine.runs.writer import Journal, Save, Sink, Writer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage, clear_temporaries
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import Alert, RunEvent
from cnn_tui.engine.training.progress import Best, Progress, beginning
from cnn_tui.engine.training.settings import Settings
from cnn_tui.engine.training.snapshot import Snapshot, Weights, take_snapshot

_MOST_WAITING = 4
"""Lasting states in memory; each is as large as the weights and what the optimizer remembers."""
_DISK_SECONDS = 1.0


@dataclass(frozen=True)
class Policy:
    """How a run is kept: when its state is saved, through what, and who else gets its events.

    A state is saved at the best epoch, at a pause and at the end in any case.
    """

    seconds: float = 60.0
    """Between two states."""
    steps: int | None = None
    sinks: Sequence[Sink] = ()
    storage: Storage = field(default_factory=Storage)


class Recorder(Checkpointer):
    """The recorder of one run: the trainer's checkpointer, and a sink of all its events.

    It is a context manager, and is closed after the last event.

    Raises:
        RunError: if another process writes this run, or its folder cannot be written.
    """

    def __init__(
        self,
        folder: RunFolder,
        network: Network,
        data: str,
        *,
        control: Control,
        policy: Policy | None = None,
        from_step: int | None = None,
        weights: Weights | None = None,
    ) -> None:
        super().__init__(weights)
        self._again, self._from_step = folder.info().again, from_step
        self.again_of = self._again.of if self._again else ""
        self.origin = folder.info().origin
        self._steering = Steering(self._again, control)
        self.run, self.path = folder.name, str(folder.path)
        self._folder, self._network, self._data = folder, network, data
        self._policy = policy or Policy()
        self._storage = self._policy.storage
        self._inbox = RequestInbox(folder.commands, control)
        self._checkpoints = Checkpoints(folder, self._storage)
        self._writer: Writer | None = None
        self._fingerprint: Fingerprint | None = None
        self._best: Best | None = None
        self._early: list[RunEvent] = []
        self._saves = deque[Save]()
        self._saved_at, self._steps = time.monotonic(), 0
        self._position = (-1, -1)
        folder.require_own_folders()
        try:
            self._lock = Lock.acquire(folder.lock_file, folder.summary_file)
        except OSError as error:
            raise _unwritable(folder, error) from None

    def __enter__(self) -> Recorder:
        """Return the recorder."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the recorder."""
        self.close()

    def record(self, event: RunEvent) -> None:
        """Queue an event for writing; takes about a microsecond."""
        self._steering.observe(event)
        if self._writer is None:
            self._early.append(event)
        else:
            self._writer.put(event)

    def restore(self, model: Engine, optimizer: EngineOptimizer) -> Progress | None:
        """Resume from the furthest intact checkpoint, if there is one."""
        layout = layout_of(optimizer.arrays())
        fingerprint = Fingerprint(network_digest(self._network), self._data, layout)
        checkpoint, faults = self._checkpoints.furthest(fingerprint, self._from_step)
        try:
            self._start(fingerprint, checkpoint, model)
        except OSError as error:
            raise _unwritable(self._folder, error) from None
        self._warn(checkpoint, faults, model.signature)
        if checkpoint is None:
            self._begin(model, optimizer)
            return None
        self._fingerprint, self._best = fingerprint, checkpoint.meta.progress.best
        progress = checkpoint.meta.progress
        optimizer.restore(checkpoint.tensors, progress.step)
        return progress

    def _begin(self, model: Engine, optimizer: EngineOptimizer) -> None:
        """Begin a run; given weights are saved at once, as a resume could not draw them again."""
        super().restore(model, optimizer)
        if self.weights is not None:
            settings = Settings.of(self._network.training)
            self.save(take_snapshot(optimizer, beginning(settings)))

    def best(self) -> Weights | None:
        """The weights of the best epoch; to be called before a new best state is saved."""
        if self._fingerprint is None or self._best is None:
            return None
        return self._checkpoints.best(self._fingerprint, self._best)

    def should_save(self) -> bool:
        """Whether a state is due by steps or seconds; never while one is being written."""
        self._steps += 1
        if self._waiting():
            return False
        steps = self._policy.steps
        return (steps is not None and self._steps >= steps) or (
            time.monotonic() - self._saved_at >= self._policy.seconds
        )

    def save(self, snapshot: Snapshot, *, best: bool = False, lasting: bool = False) -> None:
        """Queue a state for writing, unless it is saved already; it replaces one still queued.

        Lasting states are not replaced. For a disk that has several still to write the trainer
        waits a second, and then continues without this one.
        """
        position = (snapshot.progress.step, snapshot.progress.epochs_done)
        if position == self._position and not (best or lasting):
            return
        if lasting and not self._has_room(position[0]):
            return
        self._position = position
        self._saved_at, self._steps = time.monotonic(), 0
        for waiting in self._waiting():
            if waiting.best == best and not waiting.lasting:
                waiting.snapshot = None
        save = Save(snapshot, best, lasting)
        self._saves.append(save)
        self._required_writer.put(save)

    def _has_room(self, step: int) -> bool:
        """Whether one more lasting state may wait in memory."""

        def is_full() -> bool:
            return sum(waiting.lasting for waiting in self._waiting()) >= _MOST_WAITING

        if is_full():
            self._required_writer.settle(_DISK_SECONDS)
        if not is_full():
            return True
        message = f"The state of step {step:,} is not kept: the disk has fallen behind."
        self._required_writer.reports.append(Alert(code="not-kept", message=message, step=step))
        return False

    def flush(self, *, completed: bool = False) -> None:
        """Wait for the disk; at the end of a reproduction, compare it with its original."""
        if self._writer is not None:
            self._writer.settle()
            if completed and self._again is not None:
                self._judge(self._again, self._writer)

    def _judge(self, again: Reproduction, writer: Writer) -> None:
        original, step = original_of(self._folder), self._position[0]
        try:
            if original is None:
                raise RunError(f"The run {again.of} no longer exists.")
            verdict = judge(original, self._folder, again, step)
        except (RunError, OSError) as error:
            message = f"This run cannot be compared with {again.of}: {error}"
            verdict = Alert(code="not-compared", message=message, step=step)
        writer.reports.append(verdict)

    def pending_events(self) -> list[RunEvent]:
        """New events of the writer: saved checkpoints and failures."""
        if self._writer is None:
            return []
        reports = self._writer.reports
        return [reports.popleft() for _ in range(len(reports))]

    @property
    def unwritten(self) -> str:
        """After closing: why the end of the run could not be written; empty if it was."""
        return self._writer.unwritten if self._writer else ""

    def close(self) -> None:
        """Write everything that is queued and release the lock."""
        if self._writer is not None:
            self._writer.close()
        self._lock.release()

    @property
    def _required_writer(self) -> Writer:
        if self._writer is None:
            raise RuntimeError("call restore first")
        return self._writer

    def _waiting(self) -> deque[Save]:
        """The states not yet written."""
        while self._saves and self._saves[0].snapshot is None:
            if self._saves.popleft().failed:
                self._position = (-1, -1)
        return self._saves

    def _start(
        self, fingerprint: Fingerprint, checkpoint: Checkpoint | None, model: Engine
    ) -> None:
        meta = checkpoint.meta if checkpoint else None
        events, metrics = (meta.events, meta.metrics) if meta else (0, 0)
        self._write_environment(model)
        self._inbox.clear()
        for parent in (self._folder.path, self._folder.checkpoints, self._folder.commands):
            clear_temporaries(parent)
        journal = Journal(self._folder, self._storage, events, metrics)

        def keep(save: Save, snapshot: Snapshot, *, events: int, metrics: int) -> Path:
            meta = Meta(
                network=fingerprint.network,
                data=fingerprint.data,
                events=events,
                metrics=metrics,
                progress=snapshot.progress,
                engine=model.signature,
            )
            return self._checkpoints.save(snapshot, meta, best=save.best, lasting=save.lasting)

        writer = Writer(self.run, self._inbox, keep, self._policy.sinks)
        writer.start(journal)
        for event in self._early:
            writer.put(event)
        self._writer = writer

    def _write_environment(self, model: Engine) -> None:
        here = environment(model.threads, model.signature, utc_now())
        line = msgspec.json.encode(here) + b"\n"
        with self._storage.open(self._folder.environment_file, "ab") as file:
            self._storage.write(file, line)

    def _warn(self, checkpoint: Checkpoint | None, faults: list[RunError], signature: str) -> None:
        step = checkpoint.meta.progress.step if checkpoint else 0
        for fault in faults:
            message = f"{fault.message} The run resumes from step {step:,} instead."
            self._required_writer.reports.append(
                Alert(code="checkpoint-damaged", message=message, step=step)
            )
        if checkpoint and (found := changed_engine(checkpoint.meta, signature)):
            self._required_writer.reports.append(Alert(code=found[0], message=found[1], step=step))


def changed_engine(meta: Meta, signature: str) -> tuple[str, str] | None:
    """The code and the text of a warning if another engine, or version of it, continues."""
    before = meta.engine or f"numpy {meta.numpy}, cpu"
    if before == signature:
        return None
    if before.startswith("numpy") and signature.startswith("numpy"):
        return "numpy-changed", (
            f"The run began with NumPy {meta.numpy} and continues with {np.__version__}: the bits "
            "may differ."
        )
    return "engine-changed", (
        f"The run continues with {signature}, after {before}: the same but for rounding, and other "
        "random numbers of dropout."
    )


def _unwritable(folder: RunFolder, error: OSError) -> RunError:
    return RunError(
        f"The run {folder.name} cannot be written: {reason_of(error)}.",
        f"Check the permissions and the free space of {folder.path}.",
    )
