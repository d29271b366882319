"""A k-NN in the history of runs, beside the trainings."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from cnn_tui.engine.baselines.record import BaselineRecord, BaselineResult, write
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.environment import package_version
from cnn_tui.engine.runs.folder import RunFolder, RunInfo, create_run
from cnn_tui.engine.runs.journal import Journal
from cnn_tui.engine.runs.recorder import utc_now
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.events import RunEnded, RunStarted


class BaselineData(NamedTuple):
    """The data of a ladder: itself, and how a run names it."""

    dataset: Dataset
    name: str
    folder: Path | None
    digest: str


def keep_knn(root: Path, key: str, rung: BaselineResult, source: BaselineData) -> BaselineResult:
    """A run that holds the result, and the result with the name of the run.

    It has no layers, no checkpoint and no steps: a beginning, an end, and the record.

    Raises:
        RunError: nothing can be written there.
    """
    words = f"{rung.k} nearest neighbours by {rung.metric} on raw pixels: nothing is trained."
    shape = source.dataset.input_shape
    network = Network(name="knn", description=words, input=shape, data=source.name)
    info = RunInfo(
        created=utc_now(),
        version=package_version(),
        arch=network.name,
        data=source.name,
        data_dir=str(source.folder.resolve()) if source.folder else "",
        data_sha256=source.digest,
    )
    folder = create_run(root, network, info, Storage())
    rung = msgspec.structs.replace(rung, run=folder.name)
    try:
        _write_events(folder, rung, source.dataset)
        write(folder, BaselineRecord(key, rung))
    except OSError as error:
        raise RunError(
            f"The run {folder.name} cannot be written: {error.strerror or error}."
        ) from error
    return rung


def _write_events(folder: RunFolder, rung: BaselineResult, dataset: Dataset) -> None:
    journal = Journal(folder, Storage(), 0, 0)
    try:
        journal.add(_started(rung, dataset))
        journal.add(
            RunEnded(
                reason="completed",
                step=0,
                epoch=0,
                seconds=rung.predict_ms_per_image * len(dataset.test) / 1000,
                test_accuracy=rung.test_accuracy,
            )
        )
        journal.flush()
        journal.sync()
        journal.write_summary()
    finally:
        journal.close()


def _started(rung: BaselineResult, dataset: Dataset) -> RunStarted:
    return RunStarted(
        arch="knn",
        data=dataset.name,
        params=0,
        epochs=0,
        batch_size=0,
        batches=0,
        train_images=len(dataset.train),
        val_images=len(dataset.val),
        test_images=len(dataset.test),
        classes=dataset.classes,
        optimizer=f"{rung.metric}, k = {rung.k}",
        lr=0.0,
        seed=0,
        threads=rung.threads,
    )
