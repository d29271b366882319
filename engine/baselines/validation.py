"""Cross-validation of k. Notes, Image Classification, Validation sets for hyperparameter tuning."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.baselines.knn import PairProgress, nearest, vote
from cnn_tui.engine.baselines.screens import Metric, Rows
from cnn_tui.engine.data.dataset import Split, stratified_order
from cnn_tui.engine.decoding import Count, Figure, Share
from cnn_tui.engine.threads import WorkerPool

CHOICES = (1, 3, 5, 8, 10, 12, 15, 20, 50, 100)
"""Values of k that the notes try."""
FOLDS = 5
_WORK = 5e12
"""Most multiplications; larger datasets are sampled. About two minutes on two cores."""


class KScore(msgspec.Struct, frozen=True):
    """Accuracy of one k over the folds: a point of the chart, with its spread."""

    k: Count
    accuracies: tuple[Share, ...]
    """Accuracy on each fold, 0 to 1."""
    mean: Share
    std: Figure


class CrossValidation(msgspec.Struct, frozen=True):
    """The scores in the order of k, and the chosen k.

    The choice is the largest k, with the smoothest decision boundary, within one standard error of
    the best (Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 7.10).
    """

    scores: tuple[KScore, ...]
    best: Count
    images: Count
    """Number of images in all folds."""


def choose_k(
    train: Split,
    classes: int,
    metric: Metric = "l2",
    *,
    pool: WorkerPool,
    progress: PairProgress | None = None,
    choices: tuple[int, ...] = CHOICES,
) -> CrossValidation:
    """Score every k on five stratified folds of the training images.

    Every image is classified once, by the images of the four other folds. Of large datasets a fixed
    stratified sample is used.

    Args:
        train: At least ten images.
        classes: Number of classes.
        metric: See :func:`nearest`.
        pool: The threads that compute.
        progress: Called with the pairs compared so far and their total; may raise.
        choices: Values of k; those larger than the folds allow are skipped.
    """
    order = stratified_order(train.labels)[: _affordable(train)]
    # Evenly interleaved classes: every slice is stratified.
    folds = np.array_split(order, FOLDS)
    smallest = len(order) - len(folds[0])
    tried = tuple(k for k in choices if k <= smallest)
    table = np.empty((FOLDS, len(tried)))
    for number, fold in enumerate(folds):
        rest = np.setdiff1d(order, fold, assume_unique=True)
        of_fold = _fold_progress(progress, number) if progress else None
        table[number] = _accuracies(train, rest, fold, tried, classes, metric, pool, of_fold)
    return _summary(tried, table, len(order))


def _affordable(train: Split) -> int:
    width = math.prod(train.images.shape[1:])
    return int(math.sqrt(_WORK / width * FOLDS / (FOLDS - 1)))


def _fold_progress(progress: PairProgress, number: int) -> PairProgress:
    """Progress of one fold as progress of all, which have nearly equal sizes."""
    return lambda done, total: progress(number * total + done, FOLDS * total)


def _accuracies(
    train: Split,
    rest: NDArray[np.int64],
    fold: NDArray[np.int64],
    choices: tuple[int, ...],
    classes: int,
    metric: Metric,
    pool: WorkerPool,
    progress: PairProgress | None,
) -> list[float]:
    """Accuracy on one fold for every k, with a single search for the neighbours."""
    neighbours = nearest(
        Rows(train.images, chosen=rest),
        Rows(train.images, chosen=fold),
        max(choices),
        metric,
        pool=pool,
        progress=progress,
    )
    labels, truth = train.labels[rest[neighbours]], train.labels[fold]
    return [float(np.mean(vote(labels[:, :k], classes) == truth)) for k in choices]


def _summary(choices: tuple[int, ...], table: NDArray[np.float64], images: int) -> CrossValidation:
    means, spreads = table.mean(axis=0), table.std(axis=0)
    scores = tuple(
        KScore(k, tuple(table[:, column].tolist()), float(means[column]), float(spreads[column]))
        for column, k in enumerate(choices)
    )
    error = spreads[means.argmax()] / math.sqrt(FOLDS - 1)
    good = np.flatnonzero(means >= means.max() - error)
    return CrossValidation(scores, choices[int(good[-1])], images)
