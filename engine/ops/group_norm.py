"""Normalisation over groups of values of one image: group norm and layer norm."""

from __future__ import annotations

import math

import numpy as np

from cnn_tui.engine.ops.kernel import InPlaceKernel
from cnn_tui.engine.ops.memory import Arena, Array

Axes = tuple[int, ...]
Spread = tuple[int, int, int, int, int]
"""The shape in which a parameter spreads over volumes ``(H, G, C/G, W, N)``."""
BY_GROUP: Axes = (0, 2, 3)
BY_PIXEL: Axes = (2,)


class GroupNormKernel(InPlaceKernel):
    """``y = gamma * (x - mean) / sqrt(variance + eps) + beta``.

    Volumes are seen as ``(H, G, C/G, W, N)``, the statistics taken along ``axes``: over a group, or
    over the channels of a pixel. Sums are in float64.
    """

    def __init__(
        self, x: Array, y: Array, groups: int, axes: Axes, eps: float, arena: Arena
    ) -> None:
        self.x, self.y, self.axes, self.eps = x, y, axes, eps
        self.x_groups, self.y_groups = _grouped(x, groups), _grouped(y, groups)
        self.count = math.prod(self.x_groups.shape[axis] for axis in axes)
        shape = tuple(1 if axis in axes else size for axis, size in enumerate(self.x_groups.shape))
        self.sums = np.empty(shape)
        self.mean, self.inverse_std, self.spare = (np.empty(shape, x.dtype) for _ in range(3))
        self.squares = arena.scratch(self.x_groups.shape)

    def bind(self, gamma: Array, beta: Array, dgamma: Array, dbeta: Array, spread: Spread) -> None:
        """Give the kernel its parameters and their gradients, all of the same size."""
        self.gamma, self.beta = gamma.reshape(spread), beta.reshape(spread)
        self.dgamma, self.dbeta = dgamma.reshape(spread), dbeta.reshape(spread)
        self.summed = tuple(axis for axis, size in enumerate(spread) if size == 1)

    def _means(self, values: Array) -> Array:
        """The means of values of a group, in the array that all statistics share."""
        np.sum(values, axis=self.axes, dtype=float, keepdims=True, out=self.sums)
        np.divide(self.sums, self.count, out=self.sums)
        return self.sums

    def forward(self) -> None:
        x, y = self.x_groups, self.y_groups
        self.mean[...] = self._means(x)
        np.subtract(x, self.mean, out=y)
        np.multiply(y, y, out=self.squares)
        variance = self._means(self.squares)
        np.add(variance, self.eps, out=variance)
        np.sqrt(variance, out=variance)
        self.inverse_std[...] = np.reciprocal(variance, out=variance)
        np.multiply(y, self.inverse_std, out=y)
        np.multiply(y, self.gamma, out=y)
        np.add(y, self.beta, out=y)

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        super().plan_backward(
            dy, arena, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
        )
        groups, shape = self.x_groups.shape[1], self.x_groups.shape
        self.dy_groups = _grouped(dy, groups)
        self.dx_groups = None if self.dx is None else _grouped(self.dx, groups)
        self.normal, self.terms = arena.scratches(shape, shape)

    def backward(self) -> None:
        """``dx = (g - mean(g) - n * mean(g * n)) / std`` with ``g = gamma * dy``, n normal x."""
        dy, dx, normal, terms = self.dy_groups, self.dx_groups, self.normal, self.terms
        np.subtract(self.x_groups, self.mean, out=normal)
        np.multiply(normal, self.inverse_std, out=normal)
        np.multiply(dy, normal, out=terms)
        self.dgamma[...] = terms.sum(axis=self.summed, dtype=float, keepdims=True)
        self.dbeta[...] = dy.sum(axis=self.summed, dtype=float, keepdims=True)
        if dx is None:
            return
        np.multiply(terms, self.gamma, out=terms)
        self.spare[...] = self._means(terms)
        np.multiply(normal, self.spare, out=normal)
        np.multiply(dy, self.gamma, out=dx)
        self.spare[...] = self._means(dx)
        np.subtract(dx, self.spare, out=dx)
        np.subtract(dx, normal, out=dx)
        np.multiply(dx, self.inverse_std, out=dx)


def _grouped(volume: Array, groups: int) -> Array:
    """``(H, C, W, N)`` as ``(H, G, C/G, W, N)``, without a copy."""
    height, channels, width, images = volume.shape
    view = volume.view()
    view.shape = (height, groups, channels // groups, width, images)
    return view
