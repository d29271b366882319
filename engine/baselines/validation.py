"""k by cross-validation. Notes, Image Classification, Validation sets for hyperparameter tuning."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.baselines.knn import Tell, nearest, vote
from cnn_tui.engine.baselines.screens import Metric, Rows
from cnn_tui.engine.data.dataset import Split, stratified_order
from cnn_tui.engine.decoding import Count, Figure, Share
from cnn_tui.engine.threads import WorkerPool

CHOICES = (1, 3, 5, 8, 10, 12, 15, 20, 50, 100)
"""The numbers of neighbours that the notes try."""
FOLDS = 5
_WORK = 5e12
"""Products that may be added up; larger sets are chosen from. About two minutes on two cores."""


class KScore(msgspec.Struct, frozen=True):
    """How well one k does: a point of the chart, with its spread."""

    k: Count
    accuracies: tuple[Share, ...]
    """One for each fold, 0 to 1."""
    mean: Share
    std: Figure


class CrossValidation(msgspec.Struct, frozen=True):
    """All scores in the order of k, and the k to take.

    That is the largest, which makes the smoothest borders, of those that are within one standard
    error of the best (Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 7.10).
    """

    scores: tuple[KScore, ...]
    best: Count
    images: Count
    """How many took part."""


def choose_k(
    train: Split,
    classes: int,
    metric: Metric = "l2",
    *,
    team: WorkerPool,
    tell: Tell | None = None,
    choices: tuple[int, ...] = CHOICES,
) -> CrossValidation:
    """Score every k on five stratified folds of the training images.

    Every image is classified once, by the images of the four other folds. Of very many or very
    large images a part takes part, drawn stratified and always the same.

    Args:
        train: At least ten images.
        classes: How many there are.
        metric: See :func:`nearest`.
        team: Who works.
        tell: Told now and then how many pairs of how many are done; may raise.
        choices: Values of k, of which those that the folds allow are tried.
    """
    order = stratified_order(train.labels)[: _affordable(train)]
    # Evenly interleaved classes: every slice is stratified.
    folds = np.array_split(order, FOLDS)
    smallest = len(order) - len(folds[0])
    tried = tuple(k for k in choices if k <= smallest)
    table = np.empty((FOLDS, len(tried)))
    for number, fold in enumerate(folds):
        rest = np.setdiff1d(order, fold, assume_unique=True)
        told = _part_of(tell, number) if tell else None
        table[number] = _accuracies(train, rest, fold, tried, classes, metric, team, told)
    return _summary(tried, table, len(order))


def _affordable(train: Split) -> int:
    width = math.prod(train.images.shape[1:])
    return int(math.sqrt(_WORK / width * FOLDS / (FOLDS - 1)))


def _part_of(tell: Tell, number: int) -> Tell:
    """Progress of one fold as progress of all; they are as large as each other, nearly."""
    return lambda done, total: tell(number * total + done, FOLDS * total)


def _accuracies(
    train: Split,
    rest: NDArray[np.int64],
    fold: NDArray[np.int64],
    choices: tuple[int, ...],
    classes: int,
    metric: Metric,
    team: WorkerPool,
    tell: Tell | None,
) -> list[float]:
    """Of one fold, for every k: the neighbours are looked for once."""
    found = nearest(
        Rows(train.images, chosen=rest),
        Rows(train.images, chosen=fold),
        max(choices),
        metric,
        team=team,
        tell=tell,
    )
    labels, truth = train.labels[rest[found]], train.labels[fold]
    return [float(np.mean(vote(labels[:, :k], classes) == truth)) for k in choices]


def _summary(choices: tuple[int, ...], table: NDArray[np.float64], images: int) -> CrossValidation:
    means, spreads = table.mean(axis=0), table.std(axis=0)
    scores = tuple(
        KScore(k, tuple(table[:, at].tolist()), float(means[at]), float(spreads[at]))
        for at, k in enumerate(choices)
    )
    error = spreads[means.argmax()] / math.sqrt(FOLDS - 1)
    good = np.flatnonzero(means >= means.max() - error)
    return CrossValidation(scores, choices[int(good[-1])], images)
