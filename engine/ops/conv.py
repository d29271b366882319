"""2-D convolution (cross-correlation) and the choice of its kernel. CS231n notes, Conv Layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.gathered import GatheredConvKernel
from cnn_tui.engine.ops.kernel import Kernel, as_rows
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry, taps
from cnn_tui.engine.ops.products import Products, WeightGradient
from cnn_tui.engine.ops.strided import StridedGradient
from cnn_tui.engine.ops.winograd import (
    WinogradProducts,
    WinogradWeightGradient,
    padded_rows,
    winograd_applies,
)

SHORT_ROW = 256
"""Values in an output row; in shorter rows reading the filter bank dominates (measured)."""
LARGE_BANK = 1 << 20
"""Bytes; a larger filter bank does not stay in cache."""
SHORT_SHARED, LARGE_SHARED = 48, 4 << 20
"""The limits where Winograd's filtering applies, which gains more than a few readings cost."""


class ConvKernel(Kernel):
    """``y (OH, F, OW, N)`` from ``x (H, C, W, N)`` and ``weights (KH, KW, C, F)``."""

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
        self.weights, self.dweight = weights, dweight
        padded = padded_rows(x, geometry, weights.weight, arena)
        self.products: Products | WinogradProducts
        if padded is None:
            self.products = Products(weights.blocks, x, geometry, y, arena)
        else:
            self.products = WinogradProducts(weights.points(), padded, geometry, y, arena)

    def forward(self) -> None:
        self.products.run()

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        self.dy_rows = as_rows(dy)
        self.dx_products: Products | WinogradProducts | StridedGradient | None = None
        self.border: list[Array] = []
        padded = padded_rows(self.x, self.geometry, self.dweight, arena)
        self.weight_gradient: WeightGradient | WinogradWeightGradient
        if padded is None:
            self.weight_gradient = WeightGradient(
                self.x, self.geometry, self.dy_rows, self.dweight, arena
            )
        else:
            self.weight_gradient = WinogradWeightGradient(
                padded, self.geometry, self.dy_rows, self.dweight, arena
            )
        if dx is None:
            return
        if self.geometry.dense:
            self._bind_dense(dy, dx, arena)
        elif self.geometry.dilation == (1, 1):
            self.dx_products = StridedGradient(self.weights, dy, self.geometry, dx, arena)
        else:
            rows = self.weights.weight[..., 0].size
            self.columns = arena.scratch((len(self.dy_rows), rows, self.dy_rows.shape[2]))

    def _bind_dense(self, dy: Array, dx: Array, arena: Arena) -> None:
        geometry = self.geometry.transposed((dx.shape[0], dx.shape[2]))
        weights = self.weights
        padded = padded_rows(dy, geometry, weights.weight, arena)
        if padded is None:
            self.dx_products = Products(weights.flipped_blocks, dy, geometry, dx, arena)
        else:
            taps = weights.flipped_points()
            self.dx_products = WinogradProducts(taps, padded, geometry, dx, arena)
        padded = arena.padded_view(dy, geometry.padding)
        self.border = [] if padded is None else _border(padded, geometry.padding)

    def backward(self) -> None:
        self.weight_gradient.run()
        if self.dx is None:
            return
        if self.dx_products is not None:
            for strip in self.border:
                strip.fill(0)
            self.dx_products.run()
        else:
            weight = self.weights.weight
            np.matmul(weight.reshape(-1, weight.shape[-1]), self.dy_rows, out=self.columns)
            self._scatter_columns()

    def _scatter_columns(self) -> None:
        """Add each tap's share of the gradient to the pixel that it read (col2im)."""
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


def _border(padded: Array, padding: tuple[int, int]) -> list[Array]:
    """The strips of zeros around the volume in a padded buffer."""
    high, wide = padding
    strips = [
        padded[:high],
        padded[padded.shape[0] - high :],
        padded[:, :, :wide],
        padded[:, :, padded.shape[2] - wide :],
    ]
    return [strip for strip in strips if strip.size]


class GroupedConvKernel(Kernel):
    """Parallel convolutions, each on its own slice of the channels (AlexNet's two towers)."""

    def __init__(self, x: Array, y: Array, groups: Sequence[Kernel]) -> None:
        self.x, self.y, self.groups = x, y, groups

    def forward(self) -> None:
        for group in self.groups:
            group.forward()

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        dys = arena.split(dy, len(self.groups))
        dxs = [None] * len(dys) if dx is None else arena.split(dx, len(dys))
        for group, group_dy, group_dx in zip(self.groups, dys, dxs, strict=True):
            group.bind_gradients(group_dy, group_dx, arena)

    def backward(self) -> None:
        for group in self.groups:
            group.backward()


def choose_conv_kernel(
    weight: Array, geometry: Geometry, images: int
) -> type[ConvKernel] | type[GatheredConvKernel]:
    """The kernel for a filter bank ``(KH, KW, C, F)`` of one group and ``images`` in a shard.

    :class:`ConvKernel` itself uses Winograd's filtering where it applies and rows are contiguous,
    shifted views of the input where it has enough channels, and copied patches (im2col) otherwise.
    """
    row = geometry.output[1] * images
    shared = winograd_applies(geometry, weight)
    short, large = (SHORT_SHARED, LARGE_SHARED) if shared else (SHORT_ROW, LARGE_BANK)
    return GatheredConvKernel if row < short and weight.nbytes > large else ConvKernel
