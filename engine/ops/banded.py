"""Convolution in many groups of few channels: one batched product over the groups."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnn_tui.engine.ops.bands import TILE, Band, BandedWeights, backward_band, forward_band
from cnn_tui.engine.ops.kernel import Kernel, as_rows, blocks_of
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry, Items, as_items

BLOCK_BYTES = 1 << 21
"""Bytes of copied rows at a time, so that they stay in cache for their products."""


class GroupBlock:
    """The products of a few groups: rows under the window, copied once, times banded matrices.

    Args:
        source: Channels of the groups, ``(HS, groups*CS, WS, N)``.
        target: Channels of the groups, ``(HT, groups*CT, WT, N)``.
        matrices: Of the groups, ``(groups, tile, CT, reach*KW*CS)``.
        band: Which rows the rows of ``target`` are made of.
        buffer: For the copied rows.
    """

    def __init__(
        self, source: Array, target: Array, matrices: Array, band: Band, buffer: Array
    ) -> None:
        self.band, self.matrices = band, matrices
        groups = len(matrices)
        shape = expanded_shape(source, target, groups, band)
        self.rows = buffer[: math.prod(shape)].reshape(shape)
        self._plan_copies(source.reshape(len(source), groups, -1, *source.shape[2:]), target)
        whole, rest = divmod(len(target), band.tile)
        self.parts = [
            self._product(target, slice(0, whole * band.tile), band.tile),
            self._product(target, slice(whole * band.tile, len(target)), rest),
        ]
        """Matrices, rows and results, for whole tiles and for the rows after them."""
        self.parts = [part for part in self.parts if part[2].size]

    def _plan_copies(self, source: Array, target: Array) -> None:
        lead, kernel_w = self.band.lead, self.rows.shape[2]
        first = max(0, -lead)
        last = max(first, min(len(source), self.rows.shape[1] - lead))
        inside = self.rows[:, first + lead : last + lead]
        self.zeros = [self.rows[:, : first + lead], self.rows[:, last + lead :]]
        self.copies: list[tuple[Items, Items]] = []
        width = target.shape[2] if self.band.rotated else source.shape[3]
        for tap in range(kernel_w):
            columns, seen = self.band.columns(width, tap)
            to, count = inside[:, :, tap], target.shape[2]
            if columns.step not in (None, 1):
                self.zeros.append(to)
            else:
                self.zeros += [to[..., : columns.start, :], to[..., columns.stop : count, :]]
            pixels = source[first:last, :, :, seen].transpose(1, 0, 2, 3, 4)
            if pixels.size:
                self.copies.append(as_items(to[..., columns, :], pixels))
        self.zeros = [part for part in self.zeros if part.size]

    def _product(self, target: Array, rows: slice, tile: int) -> tuple[Array, Array, Array]:
        """The matrices of ``tile`` rows, the rows that they meet and the rows of the target."""
        band, (groups, _, channels, length) = self.band, self.matrices.shape
        height, pixels = rows.stop - rows.start, self.rows.shape[-2] * self.rows.shape[-1]
        tiles = height // tile if tile else 0
        start = self.rows[:, rows.start // band.tile * band.step :]
        steps = (start.strides[0], band.step * start.strides[1], 0)
        inner = (pixels * start.itemsize, start.itemsize)
        under = as_strided(start, (groups, tiles, 1, length, pixels), (*steps, *inner))
        out = as_rows(target)[rows].reshape(tiles, tile, groups, channels, pixels)
        matrices, out = self.matrices[:, None, :tile], out.transpose(2, 0, 1, 3, 4)
        if channels == 1:  # the rows of a tile are those of one matrix
            return matrices[:, :, None, :, 0], under, out[:, :, None, :, 0]
        return matrices, under, out

    def load(self) -> None:
        """Copy the rows under the window."""
        for part in self.zeros:
            part.fill(0)
        for target, source in self.copies:
            np.copyto(target, source)

    def run(self) -> None:
        """Compute the groups' channels of ``target``."""
        for matrices, under, out in self.parts:
            np.matmul(matrices, under, out=out)

    def correlate(self, total: Array, products: Array) -> None:
        """Add to ``total`` the gradient of the matrices where ``target`` is that of the results.

        Expects zeros in ``total``; ``products`` is scratch.
        """
        for _, under, out in self.parts:
            terms = products[: math.prod(out.shape[:-1]) * under.shape[-2]]
            terms = terms.reshape(*out.shape[:-1], -1)
            np.matmul(out, under.swapaxes(-1, -2), out=terms)
            rows = total[:, : math.prod(terms.shape[2:4]) // total.shape[2]]
            rows = rows[:, None, :, 0] if total.shape[2] == 1 else rows
            if terms.shape[1] == 1:
                np.add(rows, terms[:, 0], out=rows)
            else:
                np.add.reduce(terms, axis=1, out=rows)


def expanded_shape(
    source: Array, target: Array, groups: int, band: Band
) -> tuple[int, int, int, int, int, int]:
    """The shape ``(groups, rows, KW, CS, WT, N)`` of the copied rows under the window."""
    tiles = -(-len(target) // band.tile)
    rows = (tiles - 1) * band.step + band.reach
    channels = source.shape[1] // groups
    return (groups, rows, band.geometry.kernel[1], channels, target.shape[2], target.shape[3])


class GroupBlocks:
    """The blocks of groups whose rows stay in cache while they are used."""

    def __init__(self, source: Array, target: Array, matrices: Array, band: Band) -> None:
        self.source, self.target, self.matrices, self.band = source, target, matrices, band
        row_size = math.prod(expanded_shape(source, target, len(matrices), band)) // len(matrices)
        terms = len(target) * matrices[0, 0].size
        count = max(1, BLOCK_BYTES // ((row_size + terms) * source.itemsize))
        self.slices = blocks_of(len(matrices), count)
        self.buffer_size = self.slices[0].stop * row_size

    def bind(self, target: Array, buffer: Array) -> list[GroupBlock]:
        """The products, with ``target`` or another volume of its shape."""
        return [
            GroupBlock(
                self._channels(self.source, block),
                self._channels(target, block),
                self.matrices[block],
                self.band,
                buffer,
            )
            for block in self.slices
        ]

    def _channels(self, volume: Array, block: slice) -> Array:
        each = volume.shape[1] // len(self.matrices)
        return volume[:, block.start * each : block.stop * each]


class BandedConvKernel(Kernel):
    """A convolution with ``weight (KH, KW, C/groups, F)``, a few groups at a time."""

    def __init__(
        self,
        x: Array,
        y: Array,
        weights: BandedWeights,
        dweight: Array,
        geometry: Geometry,
        arena: Arena,
    ) -> None:
        self.x, self.y, self.geometry = x, y, geometry
        self.weights, self.dweight = weights, dweight
        blocks = self._blocks(forward_band, x, y)
        self.blocks = blocks.bind(y, arena.scratch((blocks.buffer_size,)))

    def _blocks(
        self, make_band: Callable[[Geometry, int], Band], source: Array, target: Array
    ) -> GroupBlocks:
        alone = target.shape[1] == self.weights.groups
        band = make_band(self.geometry, TILE if alone else 1)
        return GroupBlocks(source, target, self.weights.matrices(band), band)

    def forward(self) -> None:
        for block in self.blocks:
            block.load()
            block.run()

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        back = None if dx is None else self._blocks(backward_band, dy, dx)
        if back is not None and self.geometry.unit:
            gradient, target = back, self.x  # the copied rows of dy serve both gradients
        else:
            gradient, target = self._blocks(forward_band, self.x, dy), dy
        self.band = gradient.band
        buffer, self.total, products = arena.scratches(
            (max(gradient.buffer_size, back.buffer_size if back else 0),),
            gradient.matrices.shape,
            (gradient.slices[0].stop * len(target) * gradient.matrices[0, 0].size,),
        )
        results = [] if back is None or dx is None else back.bind(dx, buffer)
        self.steps: list[Callable[[], None]] = []
        if back is not gradient:
            for block in results:
                self.steps += [block.load, block.run]
        for number, block in enumerate(gradient.bind(target, buffer)):
            self.steps.append(block.load)
            if back is gradient:
                self.steps.append(results[number].run)
            total = self.total[gradient.slices[number]]
            self.steps.append(partial(block.correlate, total, products))

    def backward(self) -> None:
        self.total.fill(0)
        for step in self.steps:
            step()
        self._add_up_taps()

    def _add_up_taps(self) -> None:
        """Set the gradient of each tap to the sum of those of its places in the band."""
        band = self.band
        total = self.total.reshape(*self.total.shape[:3], band.reach, self.dweight.shape[1], -1)
        for kh, dtaps in enumerate(self.dweight):
            target = self.weights.by_group(dtaps, band)
            (row, read), *others = [(row, read) for row, read, tap in band.uses if tap == kh]
            np.copyto(target, total[:, row, :, read])
            for row, read in others:
                np.add(target, total[:, row, :, read], out=target)
