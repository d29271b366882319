"""Convolution with a large filter bank and short rows: im2col of several rows at once.

Late layers have filter banks that outgrow the cache and rows of a few pixels. One product per row
would read the whole bank each time; here the patches of several rows form one matrix.
"""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.kernel import Kernel, as_rows
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry, Items, as_items, taps

BLOCK_BYTES = 4 << 20
"""Largest size of a matrix of patches, unless a single row is larger."""


class Im2colBlock:
    """The patches of the output rows ``rows`` as one matrix ``(KH*KW*C, R*OW*N)``."""

    def __init__(self, x: Array, geometry: Geometry, rows: slice, buffer: Array) -> None:
        (kernel_h, kernel_w), (_, out_w) = geometry.kernel, geometry.output
        height, channels, width, images = x.shape
        self.rows = rows
        shape = (kernel_h, kernel_w, channels, rows.stop - rows.start, out_w, images)
        whole = buffer.reshape(-1)[: int(np.prod(shape))]
        columns = whole.reshape(shape)
        self.matrix = whole.reshape(kernel_h * kernel_w * channels, -1)
        self.pairs: list[tuple[Array, Array]] = []
        """The part of the matrix of each tap, and the pixels of ``x`` that it reads."""
        self.copies: list[tuple[Items, Items]] = []
        self.incomplete: list[Array] = []
        """The parts of taps that also read padding."""
        for kh in range(kernel_h):
            outputs, seen = clipped(taps(height, geometry, 0, kh), rows, geometry.stride[0])
            for kw in range(kernel_w):
                across, columns_seen = taps(width, geometry, 1, kw)
                target = columns[kh, kw][:, outputs, across]
                source = x[seen, :, columns_seen].transpose(1, 0, 2, 3)
                if target.size:
                    self.pairs.append((target, source))
                    self.copies.append(as_items(target, source))
                if target.size < columns[kh, kw].size:
                    self.incomplete.append(columns[kh, kw])

    def fill(self) -> None:
        """Copy the patches into the matrix."""
        for tap in self.incomplete:
            tap.fill(0)
        for target, source in self.copies:
            np.copyto(target, source)

    def scatter(self) -> None:
        """Add the matrix to the pixels that the patches were copied from (col2im)."""
        for share, pixels in self.pairs:
            np.add(pixels, share, out=pixels)


def clipped(tap: tuple[slice, slice], rows: slice, stride: int) -> tuple[slice, slice]:
    """The part of a tap that belongs to the output ``rows``, counted from the first of these."""
    outputs, inputs = tap
    low, high = max(outputs.start, rows.start), min(outputs.stop, rows.stop)
    if high <= low:
        return slice(0, 0), slice(0, 0)
    start = inputs.start + (low - outputs.start) * stride
    stop = start + (high - low - 1) * stride + 1
    return slice(low - rows.start, high - rows.start), slice(start, stop, stride)


def gather(x: Array, geometry: Geometry, arena: Arena) -> tuple[list[Im2colBlock], Array]:
    """The patches of ``x`` in blocks of rows, all in one acquired buffer, which is returned too."""
    (out_h, out_w), (kernel_h, kernel_w) = geometry.output, geometry.kernel
    row = kernel_h * kernel_w * x.shape[1] * out_w * x.shape[3]
    block_rows = max(1, min(out_h, BLOCK_BYTES // (row * x.itemsize)))
    shared = arena.acquire((block_rows, row))
    blocks = [slice(low, min(low + block_rows, out_h)) for low in range(0, out_h, block_rows)]
    return [Im2colBlock(x, geometry, rows, shared) for rows in blocks], shared


class PackedRows:
    """R rows of a volume ``(H, C, W, N)`` copied into one matrix ``(C, R*W*N)``."""

    def __init__(self, volume: Array, blocks: list[Im2colBlock], arena: Arena) -> None:
        rows = as_rows(volume)
        _, channels, pixels = rows.shape
        most = max(block.rows.stop - block.rows.start for block in blocks)
        self.buffer = arena.acquire((channels * most * pixels,))
        self.parts: list[tuple[Array, Array, Array]] = []
        for block in blocks:
            part = rows[block.rows].transpose(1, 0, 2)
            matrix = self.buffer[: part.size].reshape(channels, -1)
            self.parts.append((matrix, matrix.reshape(part.shape), part))

    def load(self, number: int) -> Array:
        """Copy block ``number`` of the volume and return its matrix."""
        matrix, beside, rows = self.parts[number]
        np.copyto(beside, rows)
        return matrix

    def store(self, number: int, left: Array, right: Array) -> None:
        """Compute block ``number`` as a product and copy it into the volume."""
        matrix, beside, rows = self.parts[number]
        np.matmul(left, right, out=matrix)
        np.copyto(rows, beside)


class GatheredConvKernel(Kernel):
    """The convolution of :class:`~cnn_tui.engine.ops.conv.ConvKernel`, several rows at a time."""

    def __init__(
        self,
        x: Array,
        y: Array,
        weights: ConvWeights,
        dweight: Array,
        geometry: Geometry,
        arena: Arena,
    ) -> None:
        self.x, self.y, self.geometry = x, y, geometry
        self.weights = weights
        self.dweight = dweight.reshape(-1, dweight.shape[-1])
        (self.weight,) = weights.blocks(1)
        self.blocks, columns = gather(x, geometry, arena)
        self.out = PackedRows(y, self.blocks, arena)
        for array in (columns, self.out.buffer):
            arena.release(array)

    def forward(self) -> None:
        for number, block in enumerate(self.blocks):
            block.fill()
            self.out.store(number, self.weight, block.matrix)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        self.x_blocks, columns = gather(self.x, self.geometry, arena)
        self.dy_beside = PackedRows(dy, self.x_blocks, arena)
        self.partial = arena.acquire(self.dweight.shape)
        held = [columns, self.dy_beside.buffer, self.partial]
        if dx is not None:
            held += self._bind_dx(dy, dx, arena)
        for array in held:
            arena.release(array)

    def _bind_dx(self, dy: Array, dx: Array, arena: Arena) -> list[Array]:
        """Plan the gradient of the input; returns the acquired buffers."""
        if not self.geometry.dense:
            self.dx_blocks, columns = gather(dx, self.geometry, arena)
            return [columns]
        geometry = self.geometry.transposed((dx.shape[0], dx.shape[2]))
        self.dx_blocks, columns = gather(dy, geometry, arena)
        (self.flipped,) = self.weights.flipped_blocks(1)
        self.dx_beside = PackedRows(dx, self.dx_blocks, arena)
        return [columns, self.dx_beside.buffer]

    def backward(self) -> None:
        self._weight_gradient()
        if self.dx is None:
            return
        if not self.geometry.dense:
            self._scatter()
            return
        for number, block in enumerate(self.dx_blocks):
            block.fill()
            self.dx_beside.store(number, self.flipped, block.matrix)

    def _weight_gradient(self) -> None:
        for number, block in enumerate(self.x_blocks):
            block.fill()
            dy = self.dy_beside.load(number)
            np.matmul(block.matrix, dy.T, out=self.partial if number else self.dweight)
            if number:
                np.add(self.dweight, self.partial, out=self.dweight)

    def _scatter(self) -> None:
        assert self.dx is not None
        self.dx.fill(0)
        for number, block in enumerate(self.dx_blocks):
            np.matmul(self.weight.T, self.dy_beside.load(number), out=block.matrix)
            block.scatter()
