"""Convolution where there is much weight and little picture: whole patches, rows side by side.

Late layers have filter banks that outgrow the cache and rows of a few pixels. A product a row
would read the whole bank for each. Here the patches of several rows make one matrix.
"""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.kernel import Kernel, as_rows
from cnn_tui.engine.ops.memory import Array, Memory
from cnn_tui.engine.ops.patches import Geometry, taps

BLOCK_BYTES = 4 << 20
"""The size that a matrix of patches should stay below."""


class Im2colBlock:
    """The patches of the output rows ``rows`` as one matrix ``(KH*KW*C, R*OW*N)``."""

    def __init__(self, x: Array, geometry: Geometry, rows: slice, memory: Array) -> None:
        (kernel_h, kernel_w), (_, out_w) = geometry.kernel, geometry.output
        height, channels, width, images = x.shape
        self.rows = rows
        shape = (kernel_h, kernel_w, channels, rows.stop - rows.start, out_w, images)
        whole = memory.reshape(-1)[: int(np.prod(shape))]
        columns = whole.reshape(shape)
        self.matrix = whole.reshape(kernel_h * kernel_w * channels, -1)
        self.pairs: list[tuple[Array, Array]] = []
        """For each tap, where it lies in the matrix and what it sees of ``x``."""
        self.incomplete: list[Array] = []
        """The taps that see padding as well."""
        for kh in range(kernel_h):
            outputs, seen = _clipped(taps(height, geometry, 0, kh), rows, geometry.stride[0])
            for kw in range(kernel_w):
                across, columns_seen = taps(width, geometry, 1, kw)
                target = columns[kh, kw][:, outputs, across]
                source = x[seen, :, columns_seen].transpose(1, 0, 2, 3)
                self.pairs.append((target, source))
                if target.size < columns[kh, kw].size:
                    self.incomplete.append(columns[kh, kw])

    def fill(self) -> None:
        """Copy the patches."""
        for tap in self.incomplete:
            tap.fill(0)
        for target, source in self.pairs:
            np.copyto(target, source)

    def scatter(self) -> None:
        """Add the matrix to the pixels that it was copied from (col2im)."""
        for share, pixels in self.pairs:
            np.add(pixels, share, out=pixels)


def _clipped(tap: tuple[slice, slice], rows: slice, stride: int) -> tuple[slice, slice]:
    """The part of a tap that belongs to ``rows``; outputs counted from the first of them."""
    outputs, inputs = tap
    low, high = max(outputs.start, rows.start), min(outputs.stop, rows.stop)
    if high <= low:
        return slice(0, 0), slice(0, 0)
    start = inputs.start + (low - outputs.start) * stride
    stop = start + (high - low - 1) * stride + 1
    return slice(low - rows.start, high - rows.start), slice(start, stop, stride)


def gather(x: Array, geometry: Geometry, memory: Memory) -> tuple[list[Im2colBlock], Array]:
    """The patches of ``x``, block of rows by block of rows, all in the same acquired memory."""
    (out_h, out_w), (kernel_h, kernel_w) = geometry.output, geometry.kernel
    row = kernel_h * kernel_w * x.shape[1] * out_w * x.shape[3]
    some = max(1, min(out_h, BLOCK_BYTES // (row * x.itemsize)))
    shared = memory.acquire((some, row))
    blocks = [slice(low, min(low + some, out_h)) for low in range(0, out_h, some)]
    return [Im2colBlock(x, geometry, rows, shared) for rows in blocks], shared


class PackedRows:
    """Rows of a volume ``(H, C, W, N)`` copied side by side: ``(C, R*W*N)``."""

    def __init__(self, volume: Array, blocks: list[Im2colBlock], memory: Memory) -> None:
        rows = as_rows(volume)
        _, channels, pixels = rows.shape
        most = max(block.rows.stop - block.rows.start for block in blocks)
        self.memory = memory.acquire((channels * most * pixels,))
        self.parts: list[tuple[Array, Array, Array]] = []
        for block in blocks:
            part = rows[block.rows].transpose(1, 0, 2)
            matrix = self.memory[: part.size].reshape(channels, -1)
            self.parts.append((matrix, matrix.reshape(part.shape), part))

    def load(self, number: int) -> Array:
        """Copy block ``number`` in; its matrix."""
        matrix, beside, rows = self.parts[number]
        np.copyto(beside, rows)
        return matrix

    def store(self, number: int, left: Array, right: Array) -> None:
        """Compute block ``number`` as a product and copy it out."""
        matrix, beside, rows = self.parts[number]
        np.matmul(left, right, out=matrix)
        np.copyto(rows, beside)


class GatheredConvKernel(Kernel):
    """The same convolution as :class:`~cnn_tui.engine.ops.conv.ConvKernel`."""

    def __init__(
        self,
        x: Array,
        y: Array,
        weights: ConvWeights,
        dweight: Array,
        geometry: Geometry,
        memory: Memory,
    ) -> None:
        self.x, self.y, self.geometry = x, y, geometry
        self.weights = weights
        self.dweight = dweight.reshape(-1, dweight.shape[-1])
        (self.weight,) = weights.blocks(1)
        self.blocks, columns = gather(x, geometry, memory)
        self.out = PackedRows(y, self.blocks, memory)
        for array in (columns, self.out.memory):
            memory.release(array)

    def forward(self) -> None:
        for number, block in enumerate(self.blocks):
            block.fill()
            self.out.store(number, self.weight, block.matrix)

    def plan_backward(
        self, dy: Array, memory: Memory, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        self.bind_gradients(dy, memory.gradient_of(self.x) if needs_input_grad else None, memory)

    def bind_gradients(self, dy: Array, dx: Array | None, memory: Memory) -> None:
        """Lay out the backward pass for given arrays of ``dy`` and ``dx``."""
        self.dy, self.dx = dy, dx
        self.x_blocks, columns = gather(self.x, self.geometry, memory)
        self.dy_beside = PackedRows(dy, self.x_blocks, memory)
        self.partial = memory.acquire(self.dweight.shape)
        held = [columns, self.dy_beside.memory, self.partial]
        if dx is not None:
            held += self._bind_dx(dy, dx, memory)
        for array in held:
            memory.release(array)

    def _bind_dx(self, dy: Array, dx: Array, memory: Memory) -> list[Array]:
        """Lay out the gradient of the input; returns what was acquired."""
        if not self.geometry.dense:
            self.dx_blocks, columns = gather(dx, self.geometry, memory)
            return [columns]
        geometry = self.geometry.transposed((dx.shape[0], dx.shape[2]))
        self.dx_blocks, columns = gather(dy, geometry, memory)
        (self.turned,) = self.weights.flipped_blocks(1)
        self.dx_beside = PackedRows(dx, self.dx_blocks, memory)
        return [columns, self.dx_beside.memory]

    def backward(self) -> None:
        self._weight_gradient()
        if self.dx is None:
            return
        if not self.geometry.dense:
            self._scatter()
            return
        for number, block in enumerate(self.dx_blocks):
            block.fill()
            self.dx_beside.store(number, self.turned, block.matrix)

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
