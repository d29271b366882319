"""The k nearest neighbours, exactly, in blocks. Notes, Image Classification, Nearest Neighbor.

A matrix product in float32 picks a few more candidates than are wanted; their distances are then
computed exactly, and a bound on the rounding error of the product tells whether any other image
could be nearer. Where it could, all distances of that image are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.baselines.screens import Matrix, Metric, Rows, Screen, TrainingRows, screen_for
from cnn_tui.engine.threads import WorkerPool

_TEST, _TRAIN, _TASK = 2048, 4096, 128
"""Test rows and training rows in memory as floats, and test rows that a thread works on."""
_ELEMENTS = 1 << 24
_SPARE = 8
"""Candidates beyond those that are wanted."""

Tell = Callable[[int, int], None]
"""Called with pairs of images compared so far, and of how many."""


def nearest(
    train: Rows,
    test: Rows,
    count: int,
    metric: Metric = "l2",
    *,
    team: WorkerPool,
    tell: Tell | None = None,
) -> NDArray[np.int64]:
    """Indices of the nearest training images of each test image, ``(N, count)``, nearest first.

    Of images equally far the one that comes first in the training set is nearer. The result
    depends on nothing else: not on threads, not on blocks.

    Args:
        train: At least ``count`` images.
        test: Images of the same size.
        count: How many neighbours.
        metric: ``l1`` adds up absolute differences, ``l2`` squares.
        team: Who works.
        tell: Told now and then; may raise to end the search.
    """
    found = np.empty((len(test), count), np.int64)
    step = _rows_of(test.width, _TEST)
    screen = screen_for(metric, train.block(0, step))
    for start in range(0, len(test), step):
        rows = test.block(start, start + step)
        search = _Search(screen, train, rows, count)
        for place in search.places:
            team.run(search.compare(place))
            if tell:
                done = start * len(train) + len(rows) * min(place + search.step, len(train))
                tell(done, len(test) * len(train))
        team.run(search.settle(found[start : start + step]))
    return found


def vote(neighbours: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """The class of most of the neighbours' labels ``(N, k)``; of equally many the first class."""
    counts = np.zeros((len(neighbours), classes), np.int32)
    np.add.at(counts, (np.arange(len(neighbours))[:, None], neighbours), 1)
    winners: NDArray[np.int64] = counts.argmax(axis=1)
    return winners


class _Search:
    """The neighbours of one block of test rows."""

    def __init__(self, screen: Screen, train: Rows, rows: Matrix, count: int) -> None:
        self.screen, self.train, self.count = screen, train, count
        self.step = _rows_of(train.width, _TRAIN)
        self.places = range(0, len(train), self.step)
        self._rows, self._ready = rows, screen.ready(rows)
        self._kept = min(count + _SPARE, len(train))
        self._indices = np.zeros((len(rows), self._kept), np.int64)
        self._scores = np.full((len(rows), self._kept), np.inf)
        self._parts = [slice(at, at + _TASK) for at in range(0, len(rows), _TASK)]

    def compare(self, place: int) -> list[Callable[[], None]]:
        """Tasks that hold every test row against one block of training rows."""
        block = self.screen.prepare(self.train.block(place, place + self.step))
        return [partial(self._compare, part, place, block) for part in self._parts]

    def settle(self, found: NDArray[np.int64]) -> list[Callable[[], None]]:
        """Tasks that write the neighbours, all comparisons done."""
        return [partial(self._settle, part, found) for part in self._parts]

    def _compare(self, part: slice, place: int, block: TrainingRows) -> None:
        scores = self.screen.scores(self._ready[part], block)
        near = _least(scores, self._kept)
        indices = np.concatenate([self._indices[part], near + place], axis=1)
        both = np.concatenate([self._scores[part], np.take_along_axis(scores, near, 1)], axis=1)
        near = _least(both, self._kept)
        self._indices[part] = np.take_along_axis(indices, near, 1)
        self._scores[part] = np.take_along_axis(both, near, 1)

    def _settle(self, part: slice, found: NDArray[np.int64]) -> None:
        for row in range(part.start, min(part.stop, len(self._rows))):
            found[row] = self._nearest_of(row)

    def _nearest_of(self, row: int) -> NDArray[np.int64]:
        pixels, candidates = self._rows[row], self._indices[row]
        distances = self.screen.exact(pixels, self.train.take(candidates))
        order = np.lexsort((candidates, distances))[: self.count]
        furthest = self.screen.score_of(pixels, distances[order[-1]])
        bound = self._scores[row].max() - self.screen.error(pixels)
        # Every image left out scored at least as much as the last candidate.
        if self._kept == len(self.train) or furthest < bound:
            near: NDArray[np.int64] = candidates[order]
            return near
        return self._nearest_of_all(pixels)

    def _nearest_of_all(self, pixels: Matrix) -> NDArray[np.int64]:
        distances = np.concatenate(
            [
                self.screen.exact(pixels, self.train.block(place, place + self.step))
                for place in self.places
            ]
        )
        return np.argsort(distances, kind="stable")[: self.count]


def _least(scores: NDArray[np.float32] | NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Columns of the ``count`` least scores of each row, in any order."""
    if scores.shape[1] <= count:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.argpartition(scores, count - 1, axis=1)[:, :count]


def _rows_of(width: int, most: int) -> int:
    return max(16, min(most, _ELEMENTS // width))
