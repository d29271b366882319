"""What runs on a worker of Dask: one run of a trial, and what the coordinator asks of it."""

from __future__ import annotations

import importlib.metadata
import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec
from distributed import Queue, get_worker

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.sources import cache_home
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.sweeps.folder import SWEEPS, SweepFolder
from cnn_tui.engine.sweeps.packing import pack_run, unpack_run
from cnn_tui.engine.sweeps.work import (
    EpochFigures,
    RunOutcome,
    TrialJob,
    read_data,
    train_run,
)
from cnn_tui.engine.training.control import Control

_controls: dict[str, Control] = {}
"""The runs that this process trains now, by name."""


def run_on_worker(job: TrialJob, topic: str, dataset: Dataset | None = None) -> RunOutcome:
    """Train the run of a job here; what happens is logged as events of ``topic``."""
    worker: Any = get_worker()
    if not job.threads:
        share = max(1, default_threads() // worker.state.nthreads)
        job = msgspec.structs.replace(job, threads=share)

    def say(**message: object) -> None:
        worker.log_event(topic, {"number": job.number, "seed": job.seed, **message})

    def emit(figures: tuple[EpochFigures, ...]) -> None:
        say(epochs=figures)

    control = _controls[job.run] = Control()
    say(at=_name(worker))
    try:
        if sees_folder(job.root, job.sweep, job.token):
            return train_run(job, Path(job.root), control, emit, dataset)
        return _train_apart(job, control, emit, topic, dataset)
    finally:
        _controls.pop(job.run, None)


def _train_apart(
    job: TrialJob, control: Control, emit: Any, topic: str, dataset: Dataset | None
) -> RunOutcome:
    """Train in a folder of this machine, and send it after every epoch and at the end."""
    root = cache_home() / "trials" / job.token
    folder = root / job.run
    if job.files and not folder.exists():
        unpack_run(job.files, folder)
    sender = _Sender(folder, job.run, topic)

    def both(figures: tuple[EpochFigures, ...]) -> None:
        emit(figures)
        sender.wake()

    with sender:
        outcome = train_run(job, root, control, both, dataset)
    outcome = msgspec.structs.replace(outcome, files=pack_run(folder))
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


class _Sender:
    """Sends a run while it is trained, on a thread of its own: training does not wait."""

    def __init__(self, folder: Path, run: str, topic: str) -> None:
        self._folder, self._run, self._queue = folder, run, Queue(topic)
        self._awake, self._over = threading.Event(), False
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> _Sender:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over = True
        self._awake.set()
        self._thread.join()

    def wake(self) -> None:
        """Send the run soon."""
        self._awake.set()

    def _send(self) -> None:
        while True:
            self._awake.wait()
            self._awake.clear()
            if self._over:
                return
            if packed := pack_run(self._folder):
                self._queue.put((self._run, packed))


def stop_run(run: str) -> None:
    """Stop a run that this process trains, after its current batch and with a checkpoint."""
    control = _controls.get(run)
    if control is not None:
        control.stop()


def sees_folder(root: str, sweep: str, token: str) -> bool:
    """Whether this machine sees the folder of the sweep, and not another one of the same name."""
    try:
        return SweepFolder(Path(root) / SWEEPS / sweep).info().token == token
    except Exception:
        return False


def can_read(network: Network, data_dir: Path | None) -> bool:
    """Whether this machine has the data of a network; they are then read already."""
    try:
        read_data(network, data_dir)
    except CnnTuiError:
        return False
    return True


def version() -> str:
    """The version of cnn-tui here."""
    return importlib.metadata.version("cnn-tui")


def _name(worker: Any) -> str:
    """``worker 1`` of a local cluster, else the address without the protocol."""
    name, address = str(worker.name), str(worker.address)
    return f"worker {name}" if name.isdigit() else address.partition("://")[2]
