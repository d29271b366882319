"""The first rung: k-NN on raw pixels, with k by cross-validation."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from cnn_tui.engine.baselines.knn import Tell, nearest, vote
from cnn_tui.engine.baselines.record import BaselineRecord, BaselineResult, write
from cnn_tui.engine.baselines.screens import Metric, Rows
from cnn_tui.engine.baselines.validation import choose_k
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import DataError, RunError, reason_of
from cnn_tui.engine.runs.environment import package_version
from cnn_tui.engine.runs.folder import RunFolder, RunInfo, create_run
from cnn_tui.engine.runs.recorder import utc_now
from cnn_tui.engine.runs.writer import Journal
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.threads import WorkerPool
from cnn_tui.engine.training.events import RunEnded, RunStarted


class KNN(NamedTuple):
    """What k-NN is asked to do."""

    metric: Metric = "l2"
    k: int | None = None
    """None has it chosen by cross-validation on the training split."""


def run_knn(
    dataset: Dataset, asked: KNN, threads: int, tell: Callable[[str], Tell]
) -> BaselineResult:
    """Classify the test split by its neighbours among training and validation images.

    Those of validation serve as well: nothing is left to be chosen by them.

    Args:
        dataset: Any with enough images for k.
        asked: Metric and k.
        threads: How many work.
        tell: Gives what is told of the progress of a phase: choosing k, or comparing.

    Raises:
        DataError: k is larger than the number of images.
    """
    stored = len(dataset.train) + len(dataset.val)
    if asked.k is not None and not 1 <= asked.k <= stored:
        raise DataError(f"k: expected from 1 to {stored:,}, the images stored, received {asked.k}.")
    team = WorkerPool(threads)
    try:
        return _measured(dataset, asked, team, tell)
    finally:
        team.close()


def _measured(
    dataset: Dataset, asked: KNN, team: WorkerPool, tell: Callable[[str], Tell]
) -> BaselineResult:
    k, scores, classes = asked.k, None, len(dataset.classes)
    if k is None:
        choosing = tell("choosing k")
        scores = choose_k(dataset.train, classes, asked.metric, team=team, tell=choosing)
        k = scores.best
    began = time.perf_counter()
    accuracy = accuracy_of(dataset, k, asked.metric, team=team, tell=tell("comparing"))
    seconds = time.perf_counter() - began
    return BaselineResult(
        baseline="knn",
        data=dataset.name,
        test_accuracy=accuracy,
        train_seconds=0.0,
        predict_ms_per_image=1000 * seconds / len(dataset.test),
        params=0,
        train_images=len(dataset.train) + len(dataset.val),
        test_images=len(dataset.test),
        threads=team.threads,
        k=k,
        metric=asked.metric,
        cross_validation=scores,
    )


def accuracy_of(
    dataset: Dataset, k: int, metric: Metric, *, team: WorkerPool, tell: Tell | None = None
) -> float:
    """Share of test images whose k nearest images vote for their class, 0 to 1."""
    stored = Rows(dataset.train.images, dataset.val.images)
    labels = np.concatenate([dataset.train.labels, dataset.val.labels])
    found = nearest(stored, Rows(dataset.test.images), k, metric, team=team, tell=tell)
    votes = vote(labels[found], len(dataset.classes))
    return float(np.mean(votes == dataset.test.labels))


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
        raise RunError(f"The run {folder.name} cannot be written: {reason_of(error)}.") from error
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
