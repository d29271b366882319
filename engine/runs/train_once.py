"""Training a network unless a run of it on the same data exists already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.fingerprint import data_digest, network_digest
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.runs.manage import annotate
from cnn_tui.engine.runs.names import run_names
from cnn_tui.engine.runs.train import new_run, resume_run, train_recorded
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunEnded, RunEvent, RunStarted

TAG = "beside"
"""The tag of runs that are trained to compare with."""


def train_once(
    root: Path,
    network: Network,
    dataset: Dataset,
    *,
    data_dir: Path | None = None,
    note: str = "",
    tags: tuple[str, ...] = (),
    watcher: Watcher = NOBODY,
    threads: int | None = None,
) -> RunFolder | None:
    """The completed run of a network on these data, trained first if need be; None if cancelled.

    Runs are recognised by network, recipe, number of epochs and the digest of the data, whatever
    their names. One that an earlier call began, as its tags show, resumes from its last state; a
    person's own stopped run is left as it is.

    Args:
        root: the folder of runs.
        network: layers and recipe; its ``data`` is recorded.
        dataset: the images to train on.
        data_dir: recorded for a later resume.
        note: the note of a new run.
        tags: the tags of a new run, ``beside`` if empty; a completed run must have these.
        watcher: asked after every step; the run then stops and can be resumed.
        threads: number of threads; all cores if None.

    Raises:
        CnnTuiError: if the training failed, or the run cannot be written.
    """
    data = data_digest(dataset)
    stopped: RunFolder | None = None
    own = tags or (TAG,)
    for folder, state in _runs_of(root, network, data, tags):
        if state == "completed":
            return folder
        if state in ("stopped", "crashed") and {*own} <= {*folder.notes().tags}:
            stopped = folder
    control = Control()
    if stopped is not None:
        recorder = resume_run(stopped, network, dataset, control=control)
    else:
        recorder = new_run(root, network, dataset, control=control, data_dir=data_dir)
    observer = _Observer(control, watcher)
    with recorder:
        folder = RunFolder(Path(recorder.path))
        if stopped is None:
            annotate(folder, tags=own, note=note)
        train_recorded(network, dataset, recorder, control, observer.observe, threads=threads)
    if observer.ended is None or observer.ended.reason == "failed":
        reason = observer.ended.message if observer.ended else "it ended without a result."
        raise CnnTuiError(f"The training of {folder.name} failed: {reason}")
    return folder if observer.ended.reason == "completed" else None


def _runs_of(
    root: Path, network: Network, data: str, tags: tuple[str, ...]
) -> Iterator[tuple[RunFolder, str]]:
    wanted = network_digest(network), network.training.epochs
    for name in run_names(root):
        folder = RunFolder(root / name)
        with suppress(CnnTuiError):  # another program's run, or one that cannot be read
            if folder.info().data_sha256 != data or not {*tags} <= {*folder.notes().tags}:
                continue
            found = folder.network()
            entry = read_entry(folder)
            if entry and (network_digest(found), found.training.epochs) == wanted:
                yield folder, entry.state


class _Observer:
    def __init__(self, control: Control, watcher: Watcher) -> None:
        self._control, self._watcher = control, watcher
        self._steps = 1
        self.ended: RunEnded | None = None

    def observe(self, event: RunEvent) -> None:
        match event:
            case RunStarted():
                self._steps = event.epochs * event.batches
            case BatchCompleted():
                self._watcher.progress(event.step / self._steps)
                if self._watcher.cancelled():
                    self._control.stop()
            case RunEnded():
                self.ended = event
