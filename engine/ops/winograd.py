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

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnn_tui.engine.ops.kernel import as_rows
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry

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
        geometry.stride == (1, 1)
        and 2 <= kernel_h <= HIGHEST_KERNEL
        and geometry.output[0] // geometry.dilation[0] > POINTS - kernel_h
        and min(channels, filters) >= FEWEST_CHANNELS
    )


def padded_rows(x: Array, geometry: Geometry, weight: Array, arena: Arena) -> Array | None:
    """``x`` with its padding, if Winograd's filtering applies and its rows are contiguous."""
    if not winograd_applies(geometry, weight):
        return None
    padded = arena.padded_view(x, geometry.padding)
    return padded if padded is not None and padded[0].flags.c_contiguous else None


class Tiles:
    """The input rows of one tile of output rows at a time, transformed: ``points (6, C, WP, N)``.

    The transform is a product with a small matrix: fewer calls than sums, and half the time. With a
    dilation D the rows of a tile are D apart. The last tile may begin inside the one before: as
    many products as for its last rows alone.
    """

    def __init__(self, padded: Array, geometry: Geometry, points: Array) -> None:
        (height, width), (kernel_h, kernel_w) = geometry.output, geometry.kernel
        apart, across = geometry.dilation
        rows = POINTS + 1 - kernel_h
        self.outputs: list[slice] = []
        """The output rows of each tile."""
        self.known: list[int] = []
        """How many of them the tile before has computed."""
        self.inputs: list[Array] = []
        for first in range(apart):
            count = len(range(first, height, apart))
            for begin in range(0, count, rows):
                top = min(begin, count - rows)
                start = first + top * apart
                self.outputs.append(slice(start, start + (rows - 1) * apart + 1, apart))
                self.known.append(begin - top)
                read = padded[start : start + (POINTS - 1) * apart + 1 : apart]
                self.inputs.append(read.reshape(POINTS, -1))
        self.transform = BT.astype(points.dtype)
        self.points = points.reshape(POINTS, -1)
        _, channels, _, images = points.shape
        shape = (POINTS, channels, width * images)
        strides = (points.strides[0], points.strides[1], points.itemsize)
        self.columns = [
            as_strided(points[:, :, kw * across :], shape, strides) for kw in range(kernel_w)
        ]
        """The points under each kernel column, ``(6, C, OW*N)``: overlapping views."""

    def load(self, number: int) -> None:
        """Transform the input rows of tile ``number``."""
        np.matmul(self.transform, self.inputs[number], out=self.points)


class WinogradProducts:
    """A convolution of stride 1, one tile of rows at a time.

    Args:
        taps: Transformed taps of each kernel column, ``(6, F, C)``.
        padded: The input with its padding.
        geometry: The window.
        out: The output, ``(OH, F, OW, N)``.
        arena: The source of scratch arrays.
    """

    def __init__(
        self, taps: list[Array], padded: Array, geometry: Geometry, out: Array, arena: Arena
    ) -> None:
        rows = as_rows(out)
        products = (POINTS, *rows.shape[1:])
        points, self.sum, self.term = arena.scratches(
            (POINTS, *padded.shape[1:]), products, products
        )
        self.tiles = Tiles(padded, geometry, points)
        self.pairs = list(zip(taps, self.tiles.columns, strict=True))
        self.outputs = [rows[tile] for tile in self.tiles.outputs]
        self.transform = output_transform(geometry.kernel[0]).astype(out.dtype)
        self.few = self.term[: len(self.transform)]

    def run(self) -> None:
        """Compute ``out``."""
        few, products = self.few.reshape(len(self.few), -1), self.sum.reshape(POINTS, -1)
        for number, rows in enumerate(self.outputs):
            self.tiles.load(number)
            (taps, columns), *rest = self.pairs
            np.matmul(taps, columns, out=self.sum)
            for taps, columns in rest:
                np.matmul(taps, columns, out=self.term)
                np.add(self.sum, self.term, out=self.sum)
            np.matmul(self.transform, products, out=few)
            np.copyto(rows, self.few)


class WinogradWeightGradient:
    """``dweight (KH, KW, C, F)``: the gradient of the products, transformed back into taps.

    With ``u`` the transformed taps and ``v`` the points, the gradient of ``y = AT @ (u * v)`` by
    ``u`` is ``v * (AT.T @ dy)``, summed over all pixels; then ``dg = G.T @ du``.
    """

    def __init__(
        self, padded: Array, geometry: Geometry, dy_rows: Array, dweight: Array, arena: Arena
    ) -> None:
        self.dweight = dweight
        kernel_h, kernel_w, channels, filters = dweight.shape
        pixels = dy_rows.shape[2]
        taps = (POINTS, channels, filters)
        spread = output_transform(kernel_h).T
        points, self.few, self.dm, self.sums, self.term = arena.scratches(
            (POINTS, *padded.shape[1:]),
            (spread.shape[1], filters, pixels),
            (POINTS, filters, pixels),
            (kernel_w, *taps),
            taps,
        )
        self.tiles = Tiles(padded, geometry, points)
        self.dy = [dy_rows[tile] for tile in self.tiles.outputs]
        self.spread = np.ascontiguousarray(spread, dweight.dtype)
        self.to_taps = np.ascontiguousarray(tap_transform(kernel_h).T, dweight.dtype)

    def run(self) -> None:
        """Compute ``dweight``."""
        few, products = self.few.reshape(len(self.few), -1), self.dm.reshape(POINTS, -1)
        dm = self.dm.transpose(0, 2, 1)  # (6, OW*N, F)
        for number, (dy, known) in enumerate(zip(self.dy, self.tiles.known, strict=True)):
            self.tiles.load(number)
            np.copyto(self.few, dy)
            self.few[:known] = 0
            np.matmul(self.spread, few, out=products)
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
            np.copyto(self.dweight[:, kw], taps)
