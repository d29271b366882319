"""Convolution with fewer multiplications: Winograd's minimal filtering along the height.

With a kernel of three rows, four output rows take six products instead of twelve; with five rows,
two output rows take six instead of ten (Winograd 1980; Lavin & Gray 2016, section 4.1). The cost is
a transform of whole rows before and after, in cache. The width is not transformed: runs stay long,
and the error stays at a few units of float32's rounding, where a transform of both dimensions
would multiply it by ten for little further gain.

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
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry, Im2col, ShiftedViews
from cnn_tui.engine.ops.products import Products, WeightGradient

POINTS = 6
VALUES = np.array([0, 1, -1, 2, -2])
"""The interpolation points except the last, infinity."""
HIGHEST_KERNEL = POINTS - 1
"""Rows of a kernel; with more, no two output rows would share products."""
FEWEST_CHANNELS = 16
"""Input and output channels; with fewer, transforms cost more than they save (measured)."""

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
"""The transform of input rows, ``(6, 6)``."""


def tap_transform(taps: int) -> Array:
    """``G (6, taps)``, the transform of the taps of a column: the values of their polynomial."""
    scale = [math.prod(float(a - b) for b in VALUES if b != a) for a in VALUES]
    powers = np.vander(VALUES, taps, increasing=True)
    return np.vstack([powers / np.array(scale)[:, None], np.eye(taps)[-1]])


def output_transform(taps: int) -> Array:
    """``AT (rows, 6)``, the transform from products to output rows; ``rows + taps`` is 7."""
    rows = POINTS + 1 - taps
    return np.vstack([np.vander(VALUES, rows, increasing=True), np.eye(rows)[-1]]).T


def winograd_applies(geometry: Geometry, weight: Array) -> bool:
    """Whether Winograd's filtering is faster for a filter bank ``(KH, KW, C, F)``."""
    kernel_h, _, channels, filters = weight.shape
    return (
        geometry.unit
        and 2 <= kernel_h <= HIGHEST_KERNEL
        and geometry.output[0] > POINTS - kernel_h
        and min(channels, filters) >= FEWEST_CHANNELS
    )


def favours_winograd(patches: Im2col | ShiftedViews, weight: Array) -> TypeGuard[ShiftedViews]:
    """Whether Winograd's filtering applies and the rows of the patches are contiguous."""
    return (
        isinstance(patches, ShiftedViews)
        and winograd_applies(patches.geometry, weight)
        and patches.padded[0].flags.c_contiguous
    )


class Tiles:
    """The input rows of one tile of output rows at a time, transformed: ``points (6, C, WP, N)``.

    The transform is a product with a small matrix: fewer calls than sums, and half the time.
    """

    def __init__(self, patches: ShiftedViews, points: Array) -> None:
        height, width = patches.geometry.output
        kernel_h, kernel_w = patches.geometry.kernel
        rows = POINTS + 1 - kernel_h
        tops = range(0, height - rows + 1, rows)
        self.outputs = [slice(top, top + rows) for top in tops]
        self.rest = slice(len(tops) * rows, height)
        """The output rows after the last whole tile."""
        self.transform = BT.astype(points.dtype)
        padded = patches.padded
        self.inputs = [padded[top : top + POINTS].reshape(POINTS, -1) for top in tops]
        self.points = points.reshape(POINTS, -1)
        _, channels, _, images = points.shape
        shape = (POINTS, channels, width * images)
        strides = (points.strides[0], points.strides[1], points.itemsize)
        self.columns = [as_strided(points[:, :, kw:], shape, strides) for kw in range(kernel_w)]
        """The points under each kernel column, ``(6, C, OW*N)``: overlapping views."""

    def load(self, number: int) -> None:
        """Transform the input rows of tile ``number``."""
        np.matmul(self.transform, self.inputs[number], out=self.points)


class WinogradProducts:
    """The sums of :class:`~cnn_tui.engine.ops.products.Products`, one tile of rows at a time.

    Args:
        taps: Transformed taps of each kernel column, ``(6, F, C)``.
        blocks: Makes the plain weight blocks, for rows after the last whole tile.
        patches: The views under the kernel.
        out: The output, ``(OH, F, OW, N)``.
        arena: The source of scratch arrays.
    """

    def __init__(
        self,
        taps: list[Array],
        blocks: Callable[[int], list[Array]],
        patches: ShiftedViews,
        out: Array,
        arena: Arena,
    ) -> None:
        rows = as_rows(out)
        products = (POINTS, *rows.shape[1:])
        points, self.sum, self.term = arena.scratches(
            (POINTS, *patches.padded.shape[1:]), products, products
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
            self.rest = Products(blocks(len(few.views)), few, out[rest], arena)

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
    """``dweight (KH, KW, C, F)``: the gradient of the products, transformed back into taps.

    With ``u`` the transformed taps and ``v`` the points, the gradient of ``y = AT @ (u * v)`` by
    ``u`` is ``v * (AT.T @ dy)``, summed over all pixels; then ``dg = G.T @ du``.
    """

    def __init__(self, patches: ShiftedViews, dy_rows: Array, dweight: Array, arena: Arena) -> None:
        self.dweight = dweight
        kernel_h, kernel_w, channels, filters = dweight.shape
        pixels = dy_rows.shape[2]
        taps = (POINTS, channels, filters)
        spread = output_transform(kernel_h).T
        points, self.few, self.dm, self.sums, self.term = arena.scratches(
            (POINTS, *patches.padded.shape[1:]),
            (spread.shape[1], filters, pixels),
            (POINTS, filters, pixels),
            (kernel_w, *taps),
            taps,
        )
        self.tiles = Tiles(patches, points)
        self.dy = [dy_rows[tile] for tile in self.tiles.outputs]
        self.spread = np.ascontiguousarray(spread, dweight.dtype)
        self.to_taps = np.ascontiguousarray(tap_transform(kernel_h).T, dweight.dtype)
        rest = self.tiles.rest
        self.rest: WeightGradient | None = None
        if len(dy_rows[rest]):
            self.rest = WeightGradient(patches.rows(rest), dy_rows[rest], dweight, arena)

    def run(self) -> None:
        """Compute ``dweight``."""
        if self.rest is not None:  # first, because it may share scratch arrays
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
        self._transform_back()

    def _transform_back(self) -> None:
        taps = self.term[: len(self.dweight)]
        for kw, total in enumerate(self.sums):
            back = taps.reshape(len(taps), -1)
            np.matmul(self.to_taps, total.reshape(POINTS, -1), out=back)
            if self.rest is None:
                np.copyto(self.dweight[:, kw], taps)
            else:
                np.add(self.dweight[:, kw], taps, out=self.dweight[:, kw])
