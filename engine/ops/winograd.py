"""Convolution with fewer multiplications: Winograd's minimal filtering along the height.

Four output rows under a kernel three rows high are six products instead of twelve, two under one
of five six instead of ten (Winograd 1980; Lavin & Gray 2016, section 4.1), for a transform of
whole rows before and after, in cache. The width is not transformed, so that all runs stay long,
and the error stays at a few units of float32's rounding; in two dimensions it would grow tenfold
for little further gain.

With ``d`` six input rows and ``g`` the taps of a column,
``y = AT @ ((G @ g) * (BT @ d))``: polynomials are multiplied by their values at six points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeGuard

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnn_tui.engine.ops.kernel import as_rows
from cnn_tui.engine.ops.memory import Array, Memory
from cnn_tui.engine.ops.patches import Geometry, Im2col, ShiftedViews
from cnn_tui.engine.ops.products import Products, WeightGradient

POINTS = 6
VALUES = np.array([0, 1, -1, 2, -2])
"""The points but the last, which is infinity."""
HIGHEST_KERNEL = POINTS - 1
"""Under it at least two output rows share their products."""
FEWEST_CHANNELS = 16
"""On either side: with fewer the transforms cost more than the products saved (measured)."""

BT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
"""What becomes of input rows, ``(6, 6)``."""


def tap_transform(taps: int) -> Array:
    """``G (6, taps)``, what becomes of the taps of a column: their polynomial's values."""
    scale = [math.prod(float(one - other) for other in VALUES if other != one) for one in VALUES]
    powers = np.vander(VALUES, taps, increasing=True)
    return np.vstack([powers / np.array(scale)[:, None], np.eye(taps)[-1]])


def output_transform(taps: int) -> Array:
    """``AT (rows, 6)``: what output rows are made of; ``rows + taps`` is 7."""
    rows = POINTS + 1 - taps
    return np.vstack([np.vander(VALUES, rows, increasing=True), np.eye(rows)[-1]]).T


def gains(geometry: Geometry, weight: Array) -> bool:
    """Whether a filter bank ``(KH, KW, C, F)`` has the height, and enough channels, to gain."""
    kernel_h, _, channels, filters = weight.shape
    return (
        geometry.unit
        and 2 <= kernel_h <= HIGHEST_KERNEL
        and geometry.output[0] > POINTS - kernel_h
        and min(channels, filters) >= FEWEST_CHANNELS
    )


def favours_winograd(patches: Im2col | ShiftedViews, weight: Array) -> TypeGuard[ShiftedViews]:
    """Whether that can be had of these patches: their rows must be in one piece."""
    return (
        isinstance(patches, ShiftedViews)
        and gains(patches.geometry, weight)
        and patches.frame[0].flags.c_contiguous
    )


class Tiles:
    """The tiles of output rows, transformed one after the other: ``points (6, C, WP, N)``.

    Made of products with small matrices rather than of sums: fewer calls, and half the time.
    """

    def __init__(self, patches: ShiftedViews, points: Array) -> None:
        height, width = patches.geometry.output
        kernel_h, kernel_w = patches.geometry.kernel
        rows = POINTS + 1 - kernel_h
        tops = range(0, height - rows + 1, rows)
        self.outputs = [slice(top, top + rows) for top in tops]
        self.rest = slice(len(tops) * rows, height)
        """The rows that are left over."""
        self.transform = BT.astype(points.dtype)
        frame = patches.frame
        self.inputs = [frame[top : top + POINTS].reshape(POINTS, -1) for top in tops]
        self.points = points.reshape(POINTS, -1)
        _, channels, _, images = points.shape
        shape = (POINTS, channels, width * images)
        strides = (points.strides[0], points.strides[1], points.itemsize)
        self.columns = [as_strided(points[:, :, kw:], shape, strides) for kw in range(kernel_w)]
        """The points under each column of the kernel, ``(6, C, OW*N)``: overlapping views."""

    def load(self, number: int) -> None:
        """Transform the input rows of a tile."""
        np.matmul(self.transform, self.inputs[number], out=self.points)


class WinogradProducts:
    """The same sums as :class:`~cnn_tui.engine.ops.products.Products`, some rows at a time.

    Args:
        taps: For each column of the kernel its transformed taps, ``(6, F, C)``.
        blocks: Makes the taps as they are, for rows that are left over.
        patches: What the kernel sees.
        out: ``(OH, F, OW, N)``.
        memory: Where workspace comes from.
    """

    def __init__(
        self,
        taps: list[Array],
        blocks: Callable[[int], list[Array]],
        patches: ShiftedViews,
        out: Array,
        memory: Memory,
    ) -> None:
        rows = as_rows(out)
        products = (POINTS, *rows.shape[1:])
        points, self.sum, self.term = memory.scratches(
            (POINTS, *patches.frame.shape[1:]), products, products
        )
        self.tiles = Tiles(patches, points)
        self.pairs = list(zip(taps, self.tiles.columns, strict=True))
        self.outputs = [rows[tile] for tile in self.tiles.outputs]
        self.transform = output_transform(patches.geometry.kernel[0]).astype(out.dtype)
        self.few = self.term[: len(self.transform)]
        rest = self.tiles.rest
        self.rest: Products | None = None
        if len(out[rest]):
            few = patches.rows(rest)
            self.rest = Products(blocks(len(few.views)), few, out[rest], memory)

    def run(self) -> None:
        """Compute ``out``."""
        for number, rows in enumerate(self.outputs):
            self.tiles.load(number)
            (taps, columns), *rest = self.pairs
            np.matmul(taps, columns, out=self.sum)
            for taps, columns in rest:
                np.matmul(taps, columns, out=self.term)
                np.add(self.sum, self.term, out=self.sum)
            few = self.few.reshape(len(rows), -1)
            np.matmul(self.transform, self.sum.reshape(POINTS, -1), out=few)
            np.copyto(rows, self.few)
        if self.rest is not None:
            self.rest.run()


class WinogradWeightGradient:
    """``dweight (KH, KW, C, F)``: the gradient of the products, turned back into taps.

    With ``u`` the transformed taps and ``v`` the points, the gradient of ``y = AT @ (u * v)`` by
    ``u`` is ``v * (AT.T @ dy)``, summed over all places; and ``dg = G.T @ du``.
    """

    def __init__(
        self, patches: ShiftedViews, dy_rows: Array, dweight: Array, memory: Memory
    ) -> None:
        self.dweight = dweight
        kernel_h, kernel_w, channels, filters = dweight.shape
        pixels = dy_rows.shape[2]
        taps = (POINTS, channels, filters)
        spread = output_transform(kernel_h).T
        points, self.few, self.dm, self.sums, self.term = memory.scratches(
            (POINTS, *patches.frame.shape[1:]),
            (spread.shape[1], filters, pixels),
            (POINTS, filters, pixels),
            (kernel_w, *taps),
            taps,
        )
        self.tiles = Tiles(patches, points)
        self.dy = [dy_rows[tile] for tile in self.tiles.outputs]
        self.spread = np.ascontiguousarray(spread, dweight.dtype)
        self.turn_back = np.ascontiguousarray(tap_transform(kernel_h).T, dweight.dtype)
        rest = self.tiles.rest
        self.rest: WeightGradient | None = None
        if len(dy_rows[rest]):
            self.rest = WeightGradient(patches.rows(rest), dy_rows[rest], dweight, memory)

    def run(self) -> None:
        """Compute ``dweight``."""
        if self.rest is not None:  # first: its workspace may be the same
            self.rest.run()
        for number, dy in enumerate(self.dy):
            self.tiles.load(number)
            np.copyto(self.few, dy)
            few, products = self.few.reshape(len(dy), -1), self.dm.reshape(POINTS, -1)
            np.matmul(self.spread, few, out=products)
            dm = self.dm.transpose(0, 2, 1)  # (6, OW*N, F)
            for columns, total in zip(self.tiles.columns, self.sums, strict=True):
                np.matmul(columns, dm, out=self.term if number else total)
                if number:
                    np.add(total, self.term, out=total)
        self._turn_back()

    def _turn_back(self) -> None:
        taps = self.term[: len(self.dweight)]
        for kw, total in enumerate(self.sums):
            back = taps.reshape(len(taps), -1)
            np.matmul(self.turn_back, total.reshape(POINTS, -1), out=back)
            if self.rest is None:
                np.copyto(self.dweight[:, kw], taps)
            else:
                np.add(self.dweight[:, kw], taps, out=self.dweight[:, kw])
