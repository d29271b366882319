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
        strides = (*self.buffer.strides[:3], padded.itemsize)
        across = [kw * geometry.dilation[1] for kw in range(geometry.kernel[1])]
        self.columns = [
            [
                as_strided(
                    self.buffer[..., start:, :],
                    (batch.tiles, POINTS, channels, self.pixels),
                    strides,
                )
                for start in across
            ]
            for batch in self.batches
        ]
        """For each batch the points under the kernel columns, ``(T, 6, C, OW*N)``: overlapping
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

    def load(self, number: int) -> list[Array]:
        """Transform the input rows of batch ``number``; returns its points, column by column."""
        np.matmul(self.transform, self.inputs[number], out=self.points[number])
        return self.columns[number]


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
            plain = out.flags.c_contiguous
            few = out if plain else terms.reshape(-1)[: out.size].reshape(out.shape)
            flat = (batch.tiles, -1, out[0, 0].size)
            self.parts.append((out, few, few.reshape(flat), total, total.reshape(flat), term))

    def run(self) -> None:
        """Compute ``out``."""
        for number, (out, few, flat_few, total, flat_total, term) in enumerate(self.parts):
            columns = self.tiles.load(number)
            np.matmul(self.taps[0], columns[0], out=total)
            for taps, under in zip(self.taps[1:], columns[1:], strict=True):
                np.matmul(taps, under, out=term)
                np.add(total, term, out=total)
            np.matmul(self.transform, flat_total, out=flat_few)
            if few is not out:
                np.copyto(out, few)


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
        self.tiles = tiles = Tiles(padded, geometry, filters, arena)
        taps = (POINTS, channels, filters)
        few, dm, self.sums, self.term = arena.scratches(
            (tiles.most, tiles.rows, filters, tiles.pixels),
            (tiles.most, POINTS, filters, tiles.pixels),
            (kernel_w, *taps),
            (tiles.most, *taps),
        )
        arena.release(tiles.buffer)
        self.parts: list[tuple[Array, ...]] = []
        for batch in tiles.batches:
            dy = tiles.stacked(dy_rows, batch, tiles.rows)
            plain = dy.flags.c_contiguous and not batch.known
            some, products = dy if plain else few[: batch.tiles], dm[: batch.tiles]
            flat = (batch.tiles, -1, dy[0, 0].size)
            by_pixel = products.transpose(0, 1, 3, 2)  # (T, 6, OW*N, F)
            term = self.term[: batch.tiles]
            self.parts.append(
                (dy, some, some.reshape(flat), products.reshape(flat), by_pixel, term)
            )
        spread = output_transform(kernel_h).T
        self.spread = np.ascontiguousarray(spread, dweight.dtype)
        self.to_taps = np.ascontiguousarray(tap_transform(kernel_h).T, dweight.dtype)

    def run(self) -> None:
        """Compute ``dweight``."""
        self.sums.fill(0)
        for number, (dy, few, flat_few, flat_dm, dm, term) in enumerate(self.parts):
            columns = self.tiles.load(number)
            if few is not dy:
                np.copyto(few, dy)
                few[0, : self.tiles.batches[number].known] = 0
            np.matmul(self.spread, flat_few, out=flat_dm)
            for under, total in zip(columns, self.sums, strict=True):
                np.matmul(under, dm, out=term)
                for part in term:
                    np.add(total, part, out=total)
        self._transform_back()

    def _transform_back(self) -> None:
        taps = self.term[0, : len(self.dweight)]
        for kw, total in enumerate(self.sums):
            back = taps.reshape(len(taps), -1)
            np.matmul(self.to_taps, total.reshape(POINTS, -1), out=back)
            np.copyto(self.dweight[:, kw], taps)
