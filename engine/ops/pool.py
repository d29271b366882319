"""Pooling over windows, per channel. CS231n notes, Pooling Layer."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry, taps
from cnn_tui.engine.shapes import adaptive_spans

Pairs = list[tuple[Array, Array]]


def tap_views(inner: Array, outer: Array, geometry: Geometry) -> Pairs:
    """For each tap of the window, row by row: its pixels of ``inner``, and those of ``outer``."""
    pairs = []
    for kh, kw in itertools.product(range(geometry.kernel[0]), range(geometry.kernel[1])):
        out_rows, rows = taps(inner.shape[0], geometry, 0, kh)
        out_cols, cols = taps(inner.shape[2], geometry, 1, kw)
        pairs.append((inner[rows, :, cols], outer[out_rows, :, out_cols]))
    return pairs


def tiles(geometry: Geometry, size: tuple[int, int]) -> bool:
    """Whether the windows cover an input of ``size`` exactly once."""
    covered = tuple(o * k for o, k in zip(geometry.output, geometry.kernel, strict=True))
    return geometry.stride == geometry.kernel and covered == size and geometry.padding == (0, 0)


class MaxPoolKernel(Kernel):
    """Max pooling; the gradient goes to the first maximum of each window."""

    def __init__(self, x: Array, y: Array, geometry: Geometry, shard: Shard) -> None:
        self.x, self.y, self.geometry = x, y, geometry
        self.inputs = tap_views(x, y, geometry)
        self.tiles = tiles(geometry, (x.shape[0], x.shape[2]))

    def forward(self) -> None:
        rest = self.inputs
        if self.tiles and len(rest) > 1:
            np.maximum(rest[0][0], rest[1][0], out=self.y)
            rest = rest[2:]
        else:
            self.y.fill(-np.inf)
        for seen, out in rest:
            np.maximum(out, seen, out=out)

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        super().plan_backward(
            dy, arena, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
        )
        if self.dx is None:
            return
        self.left = arena.acquire(self.y.shape)
        self.share = arena.acquire(self.y.shape)
        self.hit = arena.scratch_mask(self.y.shape)
        arena.release(self.left)
        arena.release(self.share)
        self.targets = [
            (seen, out, target, left, _like(self.share, out), _like(self.hit, out))
            for (seen, out), (target, left) in zip(
                self.inputs, tap_views(self.dx, self.left, self.geometry), strict=True
            )
        ]

    def backward(self) -> None:
        if self.dx is None:
            return
        np.copyto(self.left, self.dy)
        if not self.tiles:
            self.dx.fill(0)
        for seen, out, target, left, share, hit in self.targets:
            np.equal(seen, out, out=hit)
            if self.tiles:
                np.multiply(left, hit, out=target)
                np.subtract(left, target, out=left)
            else:
                np.multiply(left, hit, out=share)
                np.add(target, share, out=target)
                np.subtract(left, share, out=left)


def _like(scratch: NDArray[Any], view: Array) -> NDArray[Any]:
    """The beginning of ``scratch`` in the shape of ``view``."""
    return scratch.reshape(-1)[: view.size].reshape(view.shape)


class AvgPoolKernel(Kernel):
    """Average pooling; padding counts as zeros, or not at all without ``count_padding``."""

    def __init__(
        self, x: Array, y: Array, geometry: Geometry, shard: Shard, *, count_padding: bool = True
    ) -> None:
        self.x, self.y, self.geometry = x, y, geometry
        self.inputs = tap_views(x, y, geometry)
        rows, columns = (
            counts(geometry, axis, size, count_padding)
            for axis, size in ((0, x.shape[0]), (1, x.shape[2]))
        )
        # (OH, 1, OW, 1)
        self.scale = np.reciprocal(np.outer(rows, columns))[:, None, :, None].astype(x.dtype)

    def forward(self) -> None:
        self.y.fill(0)
        for seen, out in self.inputs:
            np.add(out, seen, out=out)
        np.multiply(self.y, self.scale, out=self.y)

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        super().plan_backward(
            dy, arena, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
        )
        if self.dx is not None:
            self.share = arena.scratch(self.y.shape)
            self.targets = tap_views(self.dx, self.share, self.geometry)

    def backward(self) -> None:
        if self.dx is None:
            return
        np.multiply(self.dy, self.scale, out=self.share)
        self.dx.fill(0)
        for target, share in self.targets:
            np.add(target, share, out=target)


def counts(geometry: Geometry, axis: int, size: int, count_padding: bool) -> NDArray[np.float64]:
    """How many pixels each window holds along an axis; what is beyond the padding never counts."""
    kernel, padding = geometry.kernel[axis], geometry.padding[axis]
    start = np.arange(geometry.output[axis]) * geometry.stride[axis] - padding
    stop = np.minimum(start + kernel, size + padding)
    if not count_padding:
        start, stop = np.maximum(start, 0), np.minimum(stop, size)
    return (stop - start).astype(float)


class AdaptiveAvgPoolKernel(Kernel):
    """Means of windows of unequal size: sums along the height first, then along the width."""

    def __init__(self, x: Array, y: Array, shard: Shard) -> None:
        self.x, self.y = x, y
        (height, channels, width, images), (rows, _, columns, _) = x.shape, y.shape
        down, across = adaptive_spans(height, rows), adaptive_spans(width, columns)
        heights = [stop - start for start, stop in down]
        areas = np.outer(heights, [stop - start for start, stop in across])
        self.scale = (1 / areas)[:, None, :, None].astype(x.dtype)
        self.sums_shape = (rows, channels, width, images)
        self.down = [slice(*span) for span in down]
        self.across = [slice(*span) for span in across]
        self.sums = shard.arena.scratch(self.sums_shape)

    def forward(self) -> None:
        for row, seen in enumerate(self.down):
            np.sum(self.x[seen], axis=0, out=self.sums[row])
        for column, seen in enumerate(self.across):
            np.sum(self.sums[:, :, seen], axis=2, out=self.y[:, :, column])
        np.multiply(self.y, self.scale, out=self.y)

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        super().plan_backward(
            dy, arena, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
        )
        if self.dx is not None:
            self.share, self.dsums = arena.scratches(self.y.shape, self.sums_shape)

    def backward(self) -> None:
        if self.dx is None:
            return
        np.multiply(self.dy, self.scale, out=self.share)
        self.dsums.fill(0)
        for column, seen in enumerate(self.across):
            target = self.dsums[:, :, seen]
            np.add(target, self.share[:, :, column, None], out=target)
        self.dx.fill(0)
        for row, seen in enumerate(self.down):
            np.add(self.dx[seen], self.dsums[row], out=self.dx[seen])
