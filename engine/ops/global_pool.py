"""Pools of the whole volume, and averages to a given size."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel, Shard, as_rows
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.shapes import adaptive_spans

WIDEST = 64
"""Numbers in a row of outputs up to which the width is averaged by one product for all images."""


class AdaptiveAvgPoolKernel(Kernel):
    """Means of windows of unequal size, or of the volume: along the height, then along the width.

    Along the width they are products: in rows of few outputs with a matrix that has a block for
    every image, else with one that is multiplied with each channel.
    """

    def __init__(self, x: Array, y: Array, shard: Shard) -> None:
        self.x, self.y = x, y
        (height, channels, width, images), (rows, _, columns, _) = x.shape, y.shape
        down, across = adaptive_spans(height, rows), adaptive_spans(width, columns)
        self.down = [slice(*span) for span in down]
        self.factors = [1 / (stop - start) for start, stop in down]
        means = np.zeros((width, columns), x.dtype)
        for column, (start, stop) in enumerate(across):
            means[start:stop, column] = 1 / (stop - start)
        self.is_narrow = columns * images <= WIDEST
        self.means = np.kron(means, np.eye(images, dtype=x.dtype)) if self.is_narrow else means.T
        self.sums = shard.arena.scratch((channels, width, images))

    def forward(self) -> None:
        for row, (seen, factor) in enumerate(zip(self.down, self.factors, strict=True)):
            np.add.reduce(self.x[seen], axis=0, out=self.sums)
            np.multiply(self.sums, factor, out=self.sums)
            if self.is_narrow:
                rows = self.sums.reshape(len(self.sums), -1)
                np.matmul(rows, self.means, out=as_rows(self.y)[row])
            else:
                np.matmul(self.means, self.sums, out=self.y[row])

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        if dx is not None:
            self.dsums = arena.scratch(self.sums.shape)
            self.overlaps = any(
                after.start < before.stop
                for before, after in zip(self.down, self.down[1:], strict=False)
            )

    def backward(self) -> None:
        if self.dx is None:
            return
        if self.overlaps:
            self.dx.fill(0)
        for row, (seen, factor) in enumerate(zip(self.down, self.factors, strict=True)):
            if self.is_narrow:
                target = self.dsums.reshape(len(self.dsums), -1)
                np.matmul(as_rows(self.dy)[row], self.means.T, out=target)
            else:
                np.matmul(self.means.T, self.dy[row], out=self.dsums)
            np.multiply(self.dsums, factor, out=self.dsums)
            if self.overlaps:
                np.add(self.dx[seen], self.dsums, out=self.dx[seen])
            else:
                np.copyto(self.dx[seen], self.dsums)


class GlobalMaxPoolKernel(Kernel):
    """The largest number of each channel; the gradient goes to the first one, row by row."""

    def __init__(self, x: Array, y: Array, shard: Shard) -> None:
        self.x, self.y = x, y
        self.columns = shard.arena.allocate((1, *x.shape[1:]))[0]
        """The largest number of each column."""

    def forward(self) -> None:
        np.maximum.reduce(self.x, axis=0, out=self.columns)
        np.maximum.reduce(self.columns, axis=1, out=self.y[0, :, 0])

    def backward(self) -> None:
        if self.dx is None:
            return
        height, channel_count, width, image_count = self.x.shape
        largest = self.y[0]
        channels, columns, images = np.nonzero(self.columns == largest)
        found = self.x[:, channels, columns, images] == largest[channels, 0, images]
        places = found.argmax(axis=0) * width + columns
        first = np.full((channel_count, image_count), height * width - 1)
        np.minimum.at(first, (channels, images), places)
        rows, columns = np.divmod(first, width)
        channels, images = np.indices(first.shape)
        self.dx.fill(0)
        self.dx[rows, channels, columns, images] = self.dy[0, :, 0]
