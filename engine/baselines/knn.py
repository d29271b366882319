"""Exact search of the k nearest neighbours. Notes, Image Classification, Nearest Neighbor.

A matrix product in float32 selects a few more candidates than needed; their distances are then
computed exactly, and a bound on the rounding error of the product decides whether any other image
could be nearer. If so, all distances of that test image are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.baselines.screens import Matrix, Metric, Rows, Screen, TrainingRows, screen_for
from cnn_tui.engine.threads import WorkerPool

_TEST, _TRAIN, _TASK = 2048, 4096, 128
"""Test rows and training rows held as floats, and test rows per task of a thread."""
_ELEMENTS = 1 << 24
_SPARE = 8
"""Candidates beyond the number of neighbours."""

PairProgress = Callable[[int, int], None]
"""A progress function of the pairs of images compared so far and their total."""


def nearest(
    train: Rows,
    test: Rows,
    count: int,
    metric: Metric = "l2",
    *,
    pool: WorkerPool,
    progress: PairProgress | None = None,
) -> NDArray[np.int64]:
    """Indices of the nearest training images of each test image, ``(N, count)``, nearest first.

    Of equally distant images the first one of the training set is nearer. The result does not
    depend on the number of threads or the size of blocks.

    Args:
        train: At least ``count`` images.
        test: Images of the same size.
        count: Number of neighbours.
        metric: ``l1`` sums absolute differences, ``l2`` squared ones.
        pool: The threads that compute.
        progress: Called after every block; may raise to end the search.
    """
    neighbours = np.empty((len(test), count), np.int64)
    step = _rows_of(test.width, _TEST)
    screen = screen_for(metric, train.block(0, step))
    for start in range(0, len(test), step):
        rows = test.block(start, start + step)
        search = _Search(screen, train, rows, count)
        for offset in search.offsets:
            pool.run(search.compare(offset))
            if progress:
                done = start * len(train) + len(rows) * min(offset + search.step, len(train))
                progress(done, len(test) * len(train))
        pool.run(search.settle(neighbours[start : start + step]))
    return neighbours


def vote(neighbours: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """The most frequent class among the labels ``(N, k)``; the first one of equals."""
    counts = np.zeros((len(neighbours), classes), np.int32)
    np.add.at(counts, (np.arange(len(neighbours))[:, None], neighbours), 1)
    winners: NDArray[np.int64] = counts.argmax(axis=1)
    return winners


class _Search:
    """The search for the neighbours of one block of test rows."""

    def __init__(self, screen: Screen, train: Rows, rows: Matrix, count: int) -> None:
        self.screen, self.train, self.count = screen, train, count
        self.step = _rows_of(train.width, _TRAIN)
        self.offsets = range(0, len(train), self.step)
        self._rows, self._ready = rows, screen.ready(rows)
        self._kept = min(count + _SPARE, len(train))
        self._indices = np.zeros((len(rows), self._kept), np.int64)
        self._scores = np.full((len(rows), self._kept), np.inf)
        self._chunks = [slice(start, start + _TASK) for start in range(0, len(rows), _TASK)]

    def compare(self, offset: int) -> list[Callable[[], None]]:
        """Tasks that compare every test row with the block of training rows at ``offset``."""
        block = self.screen.prepare(self.train.block(offset, offset + self.step))
        return [partial(self._compare, chunk, offset, block) for chunk in self._chunks]

    def settle(self, neighbours: NDArray[np.int64]) -> list[Callable[[], None]]:
        """Tasks that write the neighbours, after all comparisons."""
        return [partial(self._settle, chunk, neighbours) for chunk in self._chunks]

    def _compare(self, chunk: slice, offset: int, block: TrainingRows) -> None:
        scores = self.screen.scores(self._ready[chunk], block)
        near = _least(scores, self._kept)
        indices = np.concatenate([self._indices[chunk], near + offset], axis=1)
        both = np.concatenate([self._scores[chunk], np.take_along_axis(scores, near, 1)], axis=1)
        near = _least(both, self._kept)
        self._indices[chunk] = np.take_along_axis(indices, near, 1)
        self._scores[chunk] = np.take_along_axis(both, near, 1)

    def _settle(self, chunk: slice, neighbours: NDArray[np.int64]) -> None:
        for row in range(chunk.start, min(chunk.stop, len(self._rows))):
            neighbours[row] = self._nearest_of(row)

    def _nearest_of(self, row: int) -> NDArray[np.int64]:
        pixels, candidates = self._rows[row], self._indices[row]
        distances = self.screen.exact(pixels, self.train.take(candidates))
        order = np.lexsort((candidates, distances))[: self.count]
        furthest = self.screen.score_of(pixels, distances[order[-1]])
        bound = self._scores[row].max() - self.screen.error(pixels)
        # Every other image has at least the score of the last candidate.
        if self._kept == len(self.train) or furthest < bound:
            near: NDArray[np.int64] = candidates[order]
            return near
        return self._nearest_of_all(pixels)

    def _nearest_of_all(self, pixels: Matrix) -> NDArray[np.int64]:
        distances = np.concatenate(
            [
                self.screen.exact(pixels, self.train.block(offset, offset + self.step))
                for offset in self.offsets
            ]
        )
        return np.argsort(distances, kind="stable")[: self.count]


def _least(scores: NDArray[np.float32] | NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Columns of the ``count`` smallest scores of each row, unordered."""
    if scores.shape[1] <= count:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.argpartition(scores, count - 1, axis=1)[:, :count]


def _rows_of(width: int, most: int) -> int:
    return max(16, min(most, _ELEMENTS // width))
