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
from collections.abc import Iterator
from typing import NamedTuple

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
BATCH_BYTES = 1 << 20
"""Points of the tiles that are computed together: a call for each tile is so short that threads
wait for the interpreter's lock (measured)."""
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


class TileBatch(NamedTuple):
    """Tiles that are computed together, one below the other."""

    start: int
    """The first output row."""
    tiles: int
    known: int
    """How many rows of the last tile, then the only one, the tile before has computed."""


class Tiles:
    """The input rows of some tiles of output rows at a time, transformed: ``points``.

    The transform is a product with a small matrix: fewer calls than sums, and half the time. With a
    dilation D the rows of a tile are D apart. The last tile may begin inside the one before: as
    many products as for its last rows alone.
    """

    def __init__(self, padded: Array, geometry: Geometry, filters: int, arena: Arena) -> None:
        self.apart = geometry.dilation[0]
        self.rows = POINTS + 1 - geometry.kernel[0]
        _, channels, _, images = padded.shape
        self.pixels = geometry.output[1] * images
        widest = max(padded[0].size, filters * self.pixels)
        most = max(1, BATCH_BYTES // (POINTS * widest * padded.itemsize))
        self.batches = list(self._batches(geometry.output[0], most))
        self.most = max(batch.tiles for batch in self.batches)
        self.transform = BT.astype(padded.dtype)
        self.buffer = arena.acquire((self.most, POINTS, *padded.shape[1:]))
        flat = padded.reshape(len(padded), -1)
        self.inputs = [self.stacked(flat, batch, POINTS) for batch in self.batches]
        points = self.buffer.reshape(self.most, POINTS, -1)
        self.points = [points[: len(inputs)] for inputs in self.inputs]
        *outer, column, pixel = self.buffer.strides
        self.columns = [
            as_strided(
                self.buffer,
                (geometry.kernel[1], batch.tiles, POINTS, channels, self.pixels),
                (geometry.dilation[1] * column, *outer, pixel),
            )
            for batch in self.batches
        ]
        """The points of each batch under the kernel columns, ``(KW, T, 6, C, OW*N)``: overlapping
        views."""

    def _batches(self, height: int, most: int) -> Iterator[TileBatch]:
        for first in range(self.apart):
            count = len(range(first, height, self.apart))
            whole, rest = divmod(count, self.rows)
            for tile in range(0, whole, most):
                start = first + tile * self.rows * self.apart
                yield TileBatch(start, min(most, whole - tile), 0)
            if rest:
                yield TileBatch(first + (count - self.rows) * self.apart, 1, self.rows - rest)

    def stacked(self, volume: Array, batch: TileBatch, rows: int) -> Array:
        """``rows`` rows of a volume for each tile of a batch, ``(tiles, rows, ...)``: a view."""
        row, *inner = volume.strides
        shape = (batch.tiles, rows, *volume.shape[1:])
        strides = (self.rows * self.apart * row, self.apart * row, *inner)
        return as_strided(volume[batch.start :], shape, strides)

    def load(self, number: int) -> None:
        """Transform the input rows of batch ``number``."""
        np.matmul(self.transform, self.inputs[number], out=self.points[number])


def by_filter(tiles: Array) -> Array:
    """``(T, rows, F, P)`` as ``(T, F, rows, P)``, to transform every filter by itself.

    Then rows may lie apart, in a halo; it takes no longer than one product of all filters.
    """
    return tiles.transpose(0, 2, 1, 3)


class WinogradProducts:
    """A convolution of stride 1, a batch of tiles of rows at a time.

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
        self.taps = taps
        self.tiles = tiles = Tiles(padded, geometry, rows.shape[1], arena)
        products = (tiles.most, POINTS, *rows.shape[1:])
        totals, terms = arena.scratches(products, products)
        arena.release(tiles.buffer)
        self.transform = output_transform(geometry.kernel[0]).astype(out.dtype)
        self.parts: list[tuple[Array, ...]] = []
        """The arrays of each batch, made here: a step only calls."""
        for batch in tiles.batches:
            out = tiles.stacked(rows, batch, tiles.rows)
            total, term = totals[: batch.tiles], terms[: batch.tiles]
            self.parts.append((by_filter(out), total, by_filter(total), term))

    def run(self) -> None:
        """Compute ``out``."""
        for number, (out, total, points, term) in enumerate(self.parts):
            self.tiles.load(number)
            first, *others = zip(self.taps, self.tiles.columns[number], strict=True)
            np.matmul(*first, out=total)
            for taps, under in others:
                np.matmul(taps, under, out=term)
                np.add(total, term, out=total)
            np.matmul(self.transform, points, out=out)


class WinogradWeightGradient:
    """``dweight (KH, KW, C, F)``: the gradient of the products, transformed back into taps.

    With ``u`` the transformed taps and ``v`` the points, the gradient of ``y = AT @ (u * v)`` by
    ``u`` is ``v * (AT.T @ dy)``, summed over all pixels; then ``dg = G.T @ du``.
    """

    def __init__(
        self, padded: Array, geometry: Geometry, dy_rows: Array, dweight: Array, arena: Arena
    ) -> None:
        kernel_h, kernel_w, channels, filters = dweight.shape
        self.tiles = tiles = Tiles(padded, geometry, filters, arena)
        taps = (POINTS, channels, filters)
        # Products of several columns in one call, if they are small.
        row = tiles.most * math.prod(taps) * dweight.itemsize
        together = kernel_w if kernel_w * row <= BATCH_BYTES else 1
        dm, self.sums, self.term = arena.scratches(
            (tiles.most, POINTS, filters, tiles.pixels),
            (kernel_w, *taps),
            (together, tiles.most, *taps),
        )
        arena.release(tiles.buffer)
        spread = np.ascontiguousarray(output_transform(kernel_h).T, dweight.dtype)
        self.parts: list[tuple[Array, ...]] = []
        self.columns: list[list[tuple[Array, Array]]] = []
        """The points of each batch under columns that are computed together, and their sums."""
        spans = [slice(kw, kw + together) for kw in range(0, kernel_w, together)]
        for batch, columns in zip(tiles.batches, tiles.columns, strict=True):
            self.columns.append([(columns[span], self.sums[span]) for span in spans])
            fresh = slice(batch.known, None)
            dy = tiles.stacked(dy_rows, batch, tiles.rows)[:, fresh]
            products = dm[: batch.tiles]
            by_pixel = products.transpose(0, 1, 3, 2)  # (T, 6, OW*N, F)
            parts = spread[:, fresh], by_filter(dy), by_filter(products), by_pixel
            self.parts.append((*parts, self.term[:, : batch.tiles]))
        self.taps = [(self.sums[span], dweight[:, span]) for span in spans]
        self.to_taps = np.ascontiguousarray(tap_transform(kernel_h).T, dweight.dtype)

    def run(self) -> None:
        """Compute ``dweight``."""
        self.sums.fill(0)
        for number, (spread, dy, points, dm, term) in enumerate(self.parts):
            self.tiles.load(number)
            np.matmul(spread, dy, out=points)
            for under, sums in self.columns[number]:
                np.matmul(under, dm, out=term)
                for tile in term.swapaxes(0, 1):
                    np.add(sums, tile, out=sums)
        for sums, dweight in self.taps:
            self._transform_back(sums, dweight)

    def _transform_back(self, sums: Array, dweight: Array) -> None:
        kernel_h, columns, *bank = dweight.shape
        taps = self.term.reshape(-1)[: dweight.size].reshape(columns, kernel_h, -1)
        np.matmul(self.to_taps, sums.reshape(columns, POINTS, -1), out=taps)
        np.copyto(dweight.swapaxes(0, 1), taps.reshape(columns, kernel_h, *bank))
