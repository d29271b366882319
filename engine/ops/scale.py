"""Learned factors of channels: of every value (layer scale), or of the negative ones (PReLU)."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import InPlaceKernel, as_rows, row_blocks
from cnn_tui.engine.ops.memory import Arena, Array, mask_in
from cnn_tui.engine.ops.rows import ChannelRow


class LayerScaleKernel(InPlaceKernel):
    """``y = factor * x``, with a factor for each channel or one for all (Touvron et al. 2021)."""

    def __init__(self, x: Array, y: Array, factor: Array, dfactor: Array, arena: Arena) -> None:
        self.x, self.y = x, y
        self.factor, self.dfactor = factor.reshape(1, -1, 1, 1), dfactor
        self.blocks = row_blocks(x, y)
        (self.row,) = ChannelRow.several((self.factor,), x, arena)
        self.spare = arena.scratch(self.blocks[0][0].shape)
        self.zeros = arena.zeros((1, *x.shape[1:]))
        self.row.release(arena)

    def forward(self) -> None:
        factor = self.row.filled()
        for x, y in self.blocks:
            np.multiply(x, factor, out=y)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        dx = dy if dx is None else dx
        self.partial = np.empty(self.x.shape[:2], self.x.dtype)
        self.gradients = row_blocks(self.x, dy, dx, self.partial)
        (self.back_row,) = ChannelRow.several((self.factor,), self.x, arena)
        shape = self.gradients[0][0].shape
        self.terms, self.slope, numbers = arena.scratches(shape, shape, arena.mask_size(shape))
        self.mask = mask_in(numbers, shape)
        self.ones = np.ones(self.x[0, 0].size, self.x.dtype)
        self.back_row.release(arena)

    def backward(self) -> None:
        factor = self.back_row.filled()
        for x, dy, dx, partial in self.gradients:
            terms = self.terms[: len(x)]
            self.add_up(x, dy, terms)
            np.matmul(as_rows(terms), self.ones, out=partial)
            if self.dx is not None:
                self.scale(x, dy, dx, factor)
        sums = self.partial.sum(0, dtype=float)
        self.dfactor[:] = sums if self.dfactor.size == sums.size else sums.sum()

    def add_up(self, x: Array, dy: Array, terms: Array) -> None:
        """Compute what each number of a block adds to the gradient of its factor."""
        np.multiply(dy, x, out=terms)

    def scale(self, x: Array, dy: Array, dx: Array, factor: Array) -> None:
        """Compute ``dx`` of a block."""
        np.multiply(dy, factor, out=dx)


class PReLUKernel(LayerScaleKernel):
    """``y = x`` where ``x > 0``, else ``factor * x`` (He et al. 2015)."""

    def forward(self) -> None:
        factor = self.row.filled()
        for x, y in self.blocks:
            spare = self.spare[: len(x)]
            np.minimum(x, self.zeros, out=spare)
            np.multiply(spare, factor, out=spare)
            np.maximum(x, self.zeros, out=y)
            np.add(y, spare, out=y)

    def add_up(self, x: Array, dy: Array, terms: Array) -> None:
        np.minimum(x, self.zeros, out=terms)
        np.multiply(terms, dy, out=terms)

    def scale(self, x: Array, dy: Array, dx: Array, factor: Array) -> None:
        mask, terms, slope = self.mask[: len(x)], self.terms[: len(x)], self.slope[: len(x)]
        np.greater(x, 0, out=mask)
        np.copyto(slope, mask)
        np.multiply(dy, slope, out=slope)
        np.subtract(dy, slope, out=terms)
        np.multiply(terms, factor, out=terms)
        np.add(slope, terms, out=dx)
