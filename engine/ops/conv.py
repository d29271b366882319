"""2-D convolution (cross-correlation) as matrix products over rows. CS231n notes, Conv Layer."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel, Shard, as_rows
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry, patches_in, taps

PARTIAL_BYTES = 1 << 20
"""How much of the per-row weight gradients to hold before they are summed: they stay in cache."""


class ConvKernel(Kernel):
    """``y (OH, F, OW, N)`` from ``x (H, C, W, N)`` and ``weight (KH, KW, C, F)``.

    ``flipped (C, KH*KW*F)`` is the weight turned by 180 degrees, for the gradient of ``x`` of a
    dense window; the layer keeps it up to date.
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        weight: Array,
        dweight: Array,
        flipped: Array,
        geometry: Geometry,
        shard: Shard,
    ) -> None:
        self.x, self.y, self.geometry, self.flipped = x, y, geometry, flipped
        self.weight = weight.reshape(-1, weight.shape[-1])  # (KH*KW*C, F)
        self.dweight = dweight.reshape(self.weight.shape)
        self.patches = patches_in(x, geometry, shard.arena)
        self.y_rows = as_rows(y)

    def forward(self) -> None:
        self.patches.fill()
        np.matmul(self.weight.T, self.patches.matrix, out=self.y_rows)

    def bind_backward(self, dy: Array, arena: Arena, *, need_dx: bool, own_dy: bool) -> None:
        self.bind_gradients(dy, arena.acquire(self.x.shape) if need_dx else None, arena)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        """Lay out the backward pass for given arrays of ``dy`` and ``dx``."""
        self.dy, self.dx = dy, dx
        self.dy_rows = as_rows(dy)
        self._bind_dweight(arena)
        if self.dx is not None and self.geometry.dense:
            size = (self.x.shape[0], self.x.shape[2])
            self.dy_patches = patches_in(dy, self.geometry.transposed(size), arena)
            self.dx_rows = as_rows(self.dx)
        elif self.dx is not None:
            out_h, _, row = self.dy_rows.shape
            self.columns = arena.scratch((out_h, len(self.weight), row))

    def _bind_dweight(self, arena: Arena) -> None:
        out_h = self.geometry.output[0]
        rows = max(1, min(out_h, PARTIAL_BYTES // self.weight.nbytes))
        self.partial = arena.acquire((rows, *self.weight.shape))
        self.patches_again = patches_in(self.x, self.geometry, arena)
        arena.release(self.partial)
        self.row_blocks = [slice(i, min(i + rows, out_h)) for i in range(0, out_h, rows)]

    def backward(self) -> None:
        self._weight_gradient()
        if self.dx is None:
            return
        if self.geometry.dense:
            self.dy_patches.fill()
            np.matmul(self.flipped, self.dy_patches.matrix, out=self.dx_rows)
        else:
            np.matmul(self.weight, self.dy_rows, out=self.columns)
            self._scatter_columns()

    def _weight_gradient(self) -> None:
        self.patches_again.fill()
        matrix, dy = self.patches_again.matrix, self.dy_rows.transpose(0, 2, 1)
        for number, rows in enumerate(self.row_blocks):
            partial = self.partial[: rows.stop - rows.start]
            np.matmul(matrix[rows], dy[rows], out=partial)
            if number == 0:
                np.add.reduce(partial, axis=0, out=self.dweight)
            else:
                np.add(self.dweight, np.add.reduce(partial, axis=0), out=self.dweight)

    def _scatter_columns(self) -> None:
        """Add each tap's share of the gradient to the pixel that it looked at (col2im)."""
        assert self.dx is not None
        height, channels, width, images = self.dx.shape
        (kernel_h, kernel_w), (out_h, out_w) = self.geometry.kernel, self.geometry.output
        columns = self.columns.reshape(out_h, kernel_h, kernel_w, channels, out_w, images)
        self.dx.fill(0)
        for kh in range(kernel_h):
            out_rows, rows = taps(height, self.geometry, 0, kh)
            for kw in range(kernel_w):
                out_cols, cols = taps(width, self.geometry, 1, kw)
                self.dx[rows, :, cols] += columns[out_rows, kh, kw][:, :, out_cols]


class GroupedConvKernel(Kernel):
    """Convolutions side by side, each on its own slice of the channels (AlexNet's two towers)."""

    def __init__(self, x: Array, y: Array, groups: list[ConvKernel]) -> None:
        self.x, self.y, self.groups = x, y, groups

    def forward(self) -> None:
        for group in self.groups:
            group.forward()

    def bind_backward(self, dy: Array, arena: Arena, *, need_dx: bool, own_dy: bool) -> None:
        super().bind_backward(dy, arena, need_dx=need_dx, own_dy=own_dy)
        dys = np.split(dy, len(self.groups), axis=1)
        dxs = [None] * len(dys) if self.dx is None else np.split(self.dx, len(dys), axis=1)
        for group, group_dy, group_dx in zip(self.groups, dys, dxs, strict=True):
            group.bind_gradients(group_dy, group_dx, arena)

    def backward(self) -> None:
        for group in self.groups:
            group.backward()


class BiasKernel(Kernel):
    """Adds one number to each channel; ``y`` may be ``x``."""

    def __init__(self, x: Array, y: Array, bias: Array, dbias: Array) -> None:
        self.x, self.y = x, y
        self.bias = bias.reshape(1, -1, 1, 1)
        self.dbias = dbias

    def forward(self) -> None:
        np.add(self.x, self.bias, out=self.y)

    def bind_backward(self, dy: Array, arena: Arena, *, need_dx: bool, own_dy: bool) -> None:
        self.dy = self.dx = dy
        self.dy_rows = as_rows(dy)

    def backward(self) -> None:
        np.add.reduce(np.add.reduce(self.dy_rows, axis=2), axis=0, out=self.dbias)
