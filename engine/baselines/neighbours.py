"""The first rung: k-NN on raw pixels, with k by cross-validation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cnn_tui.engine.baselines.knn import Tell, nearest, vote
from cnn_tui.engine.baselines.record import BaselineResult
from cnn_tui.engine.baselines.rows import Rows
from cnn_tui.engine.baselines.screens import Metric
from cnn_tui.engine.baselines.validation import choose_k
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.threads import WorkerPool


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
