"""2-D convolution (cross-correlation) as matrix products over rows. CS231n notes, Conv Layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel, as_rows
from cnn_tui.engine.ops.memory import Array, Memory, aligned_empty
from cnn_tui.engine.ops.patches import Geometry, Patches, Shifted, find_patches, taps

PARTIAL_BYTES = 1 << 20
"""How much of the per-row weight gradients to hold before they are summed: they stay in cache."""


class ConvWeights:
    """A filter bank ``weight (KH, KW, C, F)`` in the forms that products need.

    The forms that were asked for are brought up to date by :meth:`refresh`.
    """

    def __init__(self, weight: Array) -> None:
        self.weight = weight
        self._copies: list[tuple[Array, Array]] = []
        self._forms: dict[str, list[Array]] = {}

    def refresh(self) -> None:
        """Copy the weight into its other forms, after it has changed."""
        for target, source in self._copies:
            np.copyto(target, source)

    def blocks(self, count: int) -> list[Array]:
        """Matrices ``(F, rows)`` to multiply the views of patches with: one, or one a column."""
        kernel_h, kernel_w, channels, filters = self.weight.shape
        if count == 1:
            return [self.weight.reshape(-1, filters).T]
        by_column = self.weight.transpose(1, 0, 2, 3)
        shape = (kernel_w, kernel_h * channels, filters)
        return [block.T for block in self._form("columns", by_column, shape)]

    def turned_blocks(self, count: int) -> list[Array]:
        """The same, turned by 180 degrees and ``(C, rows)``: for the gradient of the input."""
        kernel_h, kernel_w, channels, filters = self.weight.shape
        turned = self.weight[::-1, ::-1]
        if count == 1:
            shape = (1, channels, kernel_h * kernel_w * filters)
            return self._form("turned", turned.transpose(2, 0, 1, 3), shape)
        shape = (kernel_w, channels, kernel_h * filters)
        return self._form("turned columns", turned.transpose(1, 2, 0, 3), shape)

    def _form(self, name: str, source: Array, shape: tuple[int, ...]) -> list[Array]:
        if name not in self._forms:
            form = aligned_empty(source.shape, source.dtype)
            self._copies.append((form, source))
            self._forms[name] = list(form.reshape(shape))
        return self._forms[name]


class Products:
    """The sum of products of weight blocks with the views of patches."""

    def __init__(
        self, blocks: list[Array], patches: Patches | Shifted, out: Array, memory: Memory
    ) -> None:
        self.patches = patches
        self.pairs = list(zip(blocks, patches.views, strict=True))
        self.out = as_rows(out)
        self.term = memory.scratch(self.out.shape) if len(blocks) > 1 else self.out
        patches.release(memory)

    def run(self) -> None:
        """Compute ``out``."""
        self.patches.fill()
        (block, view), *rest = self.pairs
        np.matmul(block, view, out=self.out)
        for block, view in rest:
            np.matmul(block, view, out=self.term)
            np.add(self.out, self.term, out=self.out)


class WeightGradient:
    """``dweight (KH, KW, C, F)`` from patches and ``dy``, some rows at a time."""

    def __init__(
        self, patches: Patches | Shifted, dy_rows: Array, dweight: Array, memory: Memory
    ) -> None:
        self.patches = patches
        self.dy = dy_rows.transpose(0, 2, 1)  # (OH, OW*N, F)
        kernel_h, kernel_w, channels, filters = dweight.shape
        if len(patches.views) == kernel_w:
            targets = list(dweight.transpose(1, 0, 2, 3))
            shape: tuple[int, ...] = (kernel_h, channels, filters)
        else:
            targets, shape = [dweight], dweight.shape
        self.targets = list(zip(patches.views, targets, strict=True))
        height, rows, _ = patches.views[0].shape
        some = max(1, min(height, PARTIAL_BYTES // (rows * filters * dweight.itemsize)))
        self.products = memory.scratch((some, rows, filters))
        self.partial = self.products.reshape(some, *shape)
        patches.release(memory)
        self.blocks = [slice(low, min(low + some, height)) for low in range(0, height, some)]

    def run(self) -> None:
        """Compute ``dweight``."""
        self.patches.fill()
        for view, target in self.targets:
            for number, rows in enumerate(self.blocks):
                count = rows.stop - rows.start
                np.matmul(view[rows], self.dy[rows], out=self.products[:count])
                if number == 0:
                    np.add.reduce(self.partial[:count], axis=0, out=target)
                else:
                    np.add(target, np.add.reduce(self.partial[:count], axis=0), out=target)


class ConvKernel(Kernel):
    """``y (OH, F, OW, N)`` from ``x (H, C, W, N)`` and ``weights (KH, KW, C, F)``."""

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
        self.weights, self.dweight = weights, dweight
        patches = find_patches(x, geometry, memory)
        self.products = Products(weights.blocks(len(patches.views)), patches, y, memory)

    def forward(self) -> None:
        self.products.run()

    def bind_backward(self, dy: Array, memory: Memory, *, need_dx: bool, own_dy: bool) -> None:
        self.bind_gradients(dy, memory.gradient_of(self.x) if need_dx else None, memory)

    def bind_gradients(self, dy: Array, dx: Array | None, memory: Memory) -> None:
        """Lay out the backward pass for given arrays of ``dy`` and ``dx``."""
        self.dy, self.dx = dy, dx
        self.dy_rows = as_rows(dy)
        patches = find_patches(self.x, self.geometry, memory)
        self.weight_gradient = WeightGradient(patches, self.dy_rows, self.dweight, memory)
        if dx is None:
            return
        if self.geometry.dense:
            self._bind_dense(dy, dx, memory)
        else:
            rows = self.weights.weight[..., 0].size
            self.columns = memory.scratch((len(self.dy_rows), rows, self.dy_rows.shape[2]))

    def _bind_dense(self, dy: Array, dx: Array, memory: Memory) -> None:
        geometry = self.geometry.transposed((dx.shape[0], dx.shape[2]))
        patches = find_patches(dy, geometry, memory)
        blocks = self.weights.turned_blocks(len(patches.views))
        self.dx_products = Products(blocks, patches, dx, memory)
        frame = memory.frame_of(dy, geometry.padding)
        self.border = [] if frame is None else _border(frame, geometry.padding)

    def backward(self) -> None:
        self.weight_gradient.run()
        if self.dx is None:
            return
        if self.geometry.dense:
            for strip in self.border:
                strip.fill(0)
            self.dx_products.run()
        else:
            weight = self.weights.weight
            np.matmul(weight.reshape(-1, weight.shape[-1]), self.dy_rows, out=self.columns)
            self._scatter_columns()

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


def _border(frame: Array, padding: tuple[int, int]) -> list[Array]:
    """The strips of a frame around what it holds."""
    high, wide = padding
    strips = [
        frame[:high],
        frame[frame.shape[0] - high :],
        frame[:, :, :wide],
        frame[:, :, frame.shape[2] - wide :],
    ]
    return [strip for strip in strips if strip.size]


class GroupKernel(Protocol):
    """A convolution of one group of channels."""

    def forward(self) -> None:
        """Compute this group of ``y``."""

    def bind_gradients(self, dy: Array, dx: Array | None, memory: Memory) -> None:
        """Lay out the backward pass for this group of ``dy`` and ``dx``."""

    def backward(self) -> None:
        """Compute this group of ``dx``, and its weights' gradient."""


class GroupedConvKernel(Kernel):
    """Convolutions side by side, each on its own slice of the channels (AlexNet's two towers)."""

    def __init__(self, x: Array, y: Array, groups: Sequence[GroupKernel]) -> None:
        self.x, self.y, self.groups = x, y, groups

    def forward(self) -> None:
        for group in self.groups:
            group.forward()

    def bind_backward(self, dy: Array, memory: Memory, *, need_dx: bool, own_dy: bool) -> None:
        super().bind_backward(dy, memory, need_dx=need_dx, own_dy=own_dy)
        dys = np.split(dy, len(self.groups), axis=1)
        dxs = [None] * len(dys) if self.dx is None else np.split(self.dx, len(dys), axis=1)
        for group, group_dy, group_dx in zip(self.groups, dys, dxs, strict=True):
            group.bind_gradients(group_dy, group_dx, memory)

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

    def bind_backward(self, dy: Array, memory: Memory, *, need_dx: bool, own_dy: bool) -> None:
        self.dy = self.dx = dy
        self.dy_rows = as_rows(dy)

    def backward(self) -> None:
        np.add.reduce(np.add.reduce(self.dy_rows, axis=2), axis=0, out=self.dbias)
