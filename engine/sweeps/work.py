"""One run of a trial, on whatever machine it is placed: begun, found again, or only read.

The next worker that gets the task of a lost one finds its run by name, resumes it from the last
checkpoint and ends with the same bits; there is never a second folder.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from cnn_tui.engine.data.catalog import load_network_data
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import RunError, ShapeError
from cnn_tui.engine.files import is_regular
from cnn_tui.engine.memory_estimate import check_memory
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.lock import writer_present
from cnn_tui.engine.runs.manage import annotate
from cnn_tui.engine.runs.recorder import Policy, Recorder
from cnn_tui.engine.runs.train import new_run, resume_run, train_recorded
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import EpochCompleted, RunEnded, RunEvent, RunStarted
from cnn_tui.engine.training.opening import check_compatible

_WAIT = 1.0
"""Seconds between looks at a run that another process still trains."""

EpochFigures = tuple[int, float, float]
"""Epoch, validation accuracy and validation loss."""
Emit = Callable[[tuple[EpochFigures, ...]], None]


class TrialJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker has to know to train one run of a trial."""

    sweep: str
    number: int
    seed: int
    """Which of the trial's runs, from 0."""
    run: str
    """The name of the run's folder."""
    root: str
    """The folder of runs, as the coordinator sees it."""
    token: str
    """What ``sweep.json`` says there, if the worker sees the same folder."""
    network: Network
    data_dir: str = ""
    threads: int = 1
    checkpoint_every: int | None = None
    files: bytes = b""
    """The run so far, packed, for a worker that does not see the folder."""


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one run of a trial."""

    state: str
    """``completed``, ``stopped`` or ``failed``."""
    curve: tuple[EpochFigures, ...]
    message: str = ""
    seconds: float = 0.0
    files: bytes = b""
    """The whole run, packed, from a worker that does not see the folder."""


def train_run(
    job: TrialJob, root: Path, control: Control, emit: Emit, dataset: Dataset | None = None
) -> RunOutcome:
    """Train the run of a job to its end; that of an earlier worker is resumed.

    Args:
        job: what to train.
        root: the folder of runs here.
        control: stops the run.
        emit: called with the epochs that are done, at the start with all so far.
        dataset: the images; read here if None.

    Raises:
        CnnTuiError: if the run cannot be written or the data cannot be read: another worker may.
    """
    folder = RunFolder(root / job.run)
    if is_regular(folder.info_file):
        _require_same(folder, job.network)
    ended = _ended(folder)
    if ended is not None:
        emit(ended.curve)
        return ended
    given = Path(job.data_dir) if job.data_dir else None
    network, dataset, data_dir = (
        read_data(job.network, given) if dataset is None else (job.network, dataset, given)
    )
    try:
        check_compatible(network, dataset)
    except ShapeError as error:
        return RunOutcome(state="failed", curve=(), message=str(error))
    check_memory(network)
    watch = _RunWatch(folder, emit)
    with _open(job, root, network, dataset, data_dir, control) as recorder:
        train_recorded(network, dataset, recorder, control, watch.observe, threads=job.threads)
    if recorder.unwritten:
        raise RunError(f"The end of {job.run} could not be written: {recorder.unwritten}.")
    end = watch.ended
    if end is None:
        raise RunError(f"The run {job.run} ended without a result.")
    return RunOutcome(state=end.reason, curve=watch.curve, message=end.message, seconds=end.seconds)


def _ended(folder: RunFolder) -> RunOutcome | None:
    """The outcome of a run that needs no further training."""
    entry = read_entry(folder) if is_regular(folder.info_file) else None
    if entry is None or entry.state not in ("completed", "failed"):
        return None
    return RunOutcome(
        state=entry.state,
        curve=curve_of(folder),
        message=entry.summary.message,
        seconds=entry.summary.seconds,
    )


def curve_of(folder: RunFolder, before: int | None = None) -> tuple[EpochFigures, ...]:
    """The epochs of a run as its events tell them, those up to step ``before``."""
    epochs: dict[int, EpochFigures] = {}
    for event in read_events(folder.events_file):
        if isinstance(event, EpochCompleted) and (before is None or event.step <= before):
            epochs[event.epoch] = (event.epoch, event.val_accuracy, event.val_loss)
    return tuple(epochs.values())


def _open(
    job: TrialJob,
    root: Path,
    network: Network,
    dataset: Dataset,
    data_dir: Path | None,
    control: Control,
) -> Recorder:
    folder, policy = RunFolder(root / job.run), Policy(steps=job.checkpoint_every)
    while True:
        try:
            if is_regular(folder.info_file):
                return resume_run(folder, network, dataset, control=control, policy=policy)
            if os.path.lexists(folder.path):
                # A worker was lost before it had written what makes this a run.
                shutil.rmtree(folder.path)
            recorder = new_run(
                root,
                network,
                dataset,
                control=control,
                data_dir=data_dir,
                policy=policy,
                name=job.run,
            )
            annotate(folder, tags=(job.sweep,))
            return recorder
        except RunError:
            # A worker of a coordinator that is gone may train it to its end.
            if not writer_present(folder):
                raise
            time.sleep(_WAIT)


def _require_same(folder: RunFolder, network: Network) -> None:
    found = folder.network()
    # The same data may be spelt in another way.
    if msgspec.structs.replace(found, data=network.data) != network:
        raise RunError(
            f"The run {folder.name} has another network than its trial.",
            "Rename it, then resume the sweep.",
        )


class _RunWatch:
    """Collects the epochs of a run and passes them on."""

    def __init__(self, folder: RunFolder, emit: Emit) -> None:
        self._folder, self._emit = folder, emit
        self._epochs: dict[int, EpochFigures] = {}
        self.ended: RunEnded | None = None

    @property
    def curve(self) -> tuple[EpochFigures, ...]:
        return tuple(self._epochs.values())

    def observe(self, event: RunEvent) -> None:
        match event:
            case RunStarted():
                past = curve_of(self._folder, event.from_step)
                self._epochs = {figures[0]: figures for figures in past}
                self._emit(self.curve)
            case EpochCompleted():
                figures = (event.epoch, event.val_accuracy, event.val_loss)
                self._epochs[event.epoch] = figures
                self._emit((figures,))
            case RunEnded():
                self.ended = event


_DECIDES_DATA = ("limit", "per_class", "resize")
_data_lock = threading.Lock()
_data: dict[bytes, tuple[Network, Dataset, Path | None]] = {}
"""The data of the last run: the next one of this process nearly always has the same."""


def read_data(network: Network, data_dir: Path | None) -> tuple[Network, Dataset, Path | None]:
    """The data of a network, read once a process; the network with their full name."""
    recipe = [getattr(network.training, name) for name in _DECIDES_DATA]
    key = msgspec.json.encode(
        [network.data, network.input, network.classes, network.labels_from, recipe, str(data_dir)]
    )
    with _data_lock:
        if key not in _data:
            _data.clear()
            _data[key] = load_network_data(network, data_dir, skip_damaged=True)
        named, dataset, place = _data[key]
    return msgspec.structs.replace(network, data=named.data), dataset, place
