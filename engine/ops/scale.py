"""Learned factors of channels: of every value (layer scale), or of the negative ones (PReLU)."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import ChannelSums, InPlaceKernel, as_rows
from cnn_tui.engine.ops.memory import Arena, Array, mask_in


class LayerScaleKernel(InPlaceKernel):
    """``y = factor * x``, with a factor for each channel or one for all (Touvron et al. 2021)."""

    def __init__(self, x: Array, y: Array, factor: Array, dfactor: Array, arena: Arena) -> None:
        self.x, self.y = x, y
        self.factor, self.dfactor = factor.reshape(1, -1, 1, 1), dfactor

    def forward(self) -> None:
        np.multiply(self.x, self.factor, out=self.y)

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        super().plan_backward(
            dy, arena, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
        )
        shape = self.x.shape
        numbers, self.terms = arena.scratches(arena.mask_size(shape), shape)
        self.negative, self.channels = mask_in(numbers, shape), ChannelSums(self.terms)

    def backward(self) -> None:
        np.multiply(self.dy, self.x, out=self.terms)
        self._add_up_terms()
        if self.dx is not None:
            np.multiply(self.dy, self.factor, out=self.dx)

    def _add_up_terms(self) -> None:
        sums = self.channels.of(as_rows(self.terms))
        self.dfactor[:] = sums if self.dfactor.size == sums.size else sums.sum()


class PReLUKernel(LayerScaleKernel):
    """``y = x`` where ``x > 0``, else ``factor * x`` (He et al. 2015)."""

    def __init__(self, x: Array, y: Array, factor: Array, dfactor: Array, arena: Arena) -> None:
        super().__init__(x, y, factor, dfactor, arena)
        self.positive = arena.scratch_mask(x.shape)

    def forward(self) -> None:
        super().forward()
        np.greater(self.x, 0, out=self.positive)
        np.copyto(self.y, self.x, where=self.positive)

    def backward(self) -> None:
        np.less_equal(self.x, 0, out=self.negative)
        np.multiply(self.dy, self.x, out=self.terms)
        np.multiply(self.terms, self.negative, out=self.terms)
        self._add_up_terms()
        if self.dx is not None:
            np.multiply(self.dy, self.factor, out=self.terms, where=self.negative)
            np.copyto(self.dx, self.dy)
            np.copyto(self.dx, self.terms, where=self.negative)
