"""The first baseline: k-NN on raw pixels with cross-validated k, kept as a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from cnn_tui.engine.baselines.knn import PairProgress, nearest, vote
from cnn_tui.engine.baselines.record import BaselineRecord, BaselineResult, write
from cnn_tui.engine.baselines.screens import Metric, Rows
from cnn_tui.engine.baselines.validation import choose_k
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import DataError, RunError, reason_of
from cnn_tui.engine.runs.folder import RunFolder, RunInfo, create_run
from cnn_tui.engine.runs.stamp import package_version, utc_now
from cnn_tui.engine.runs.writer import Journal
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.threads import WorkerPool
from cnn_tui.engine.training.events import RunEnded, RunStarted


class KNN(NamedTuple):
    """Settings of the k-NN baseline."""

    metric: Metric = "l2"
    k: int | None = None
    """Number of neighbours; None chooses it by cross-validation on the training split."""


def run_knn(
    dataset: Dataset, settings: KNN, threads: int, progress: Callable[[str], PairProgress]
) -> BaselineResult:
    """Classify the test split by its neighbours among training and validation images.

    Validation images count as neighbours too, as k is not chosen by them.

    Args:
        dataset: A dataset with enough images for k.
        settings: Metric and k.
        threads: Number of threads.
        progress: Gives the progress function of a phase, ``choosing k`` or ``comparing``.

    Raises:
        DataError: k is larger than the number of images.
    """
    stored = len(dataset.train) + len(dataset.val)
    k = settings.k
    if k is not None and not 1 <= k <= stored:
        raise DataError(f"k: expected from 1 to {stored:,}, the images stored, received {k}.")
    pool = WorkerPool(threads)
    try:
        return _measured(dataset, settings, pool, progress)
    finally:
        pool.close()


def _measured(
    dataset: Dataset, settings: KNN, pool: WorkerPool, progress: Callable[[str], PairProgress]
) -> BaselineResult:
    k, scores, classes = settings.k, None, len(dataset.classes)
    if k is None:
        choosing = progress("choosing k")
        scores = choose_k(dataset.train, classes, settings.metric, pool=pool, progress=choosing)
        k = scores.best
    began = time.perf_counter()
    comparing = progress("comparing")
    accuracy = accuracy_of(dataset, k, settings.metric, pool=pool, progress=comparing)
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
        threads=pool.threads,
        k=k,
        metric=settings.metric,
        cross_validation=scores,
    )


def accuracy_of(
    dataset: Dataset,
    k: int,
    metric: Metric,
    *,
    pool: WorkerPool,
    progress: PairProgress | None = None,
) -> float:
    """Share of test images that their k nearest images classify correctly, 0 to 1."""
    stored = Rows(dataset.train.images, dataset.val.images)
    labels = np.concatenate([dataset.train.labels, dataset.val.labels])
    neighbours = nearest(stored, Rows(dataset.test.images), k, metric, pool=pool, progress=progress)
    votes = vote(labels[neighbours], len(dataset.classes))
    return float(np.mean(votes == dataset.test.labels))


class BaselineData(NamedTuple):
    """The data of the baselines, with its name, folder and digest in runs."""

    dataset: Dataset
    name: str
    folder: Path | None
    digest: str


def keep_knn(root: Path, key: str, rung: BaselineResult, source: BaselineData) -> BaselineResult:
    """Keep a result as a new run, and return the result with the name of the run.

    The run has no layers, checkpoints or steps, only a beginning, an end and the record.

    Raises:
        RunError: The run cannot be written.
    """
    text = f"{rung.k} nearest neighbours by {rung.metric} on raw pixels: nothing is trained."
    shape = source.dataset.input_shape
    network = Network(name="knn", description=text, input=shape, data=source.name)
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
