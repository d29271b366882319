"""Convolution with filters for each channel alone: a product per tap instead of one of matrices."""

from __future__ import annotations

import itertools

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.pool import tap_views


class DepthwiseConvKernel(Kernel):
    """A convolution with ``weight (KH, KW, 1, F)`` and F a multiple of the channels of ``x``.

    Filter f reads channel ``f // (F / C)``, so filters ``m, m + F/C, ...`` read all channels.
    """

    def __init__(
        self, x: Array, y: Array, weight: Array, dweight: Array, geometry: Geometry, arena: Arena
    ) -> None:
        self.x, self.y, self.geometry = x, y, geometry
        self.multiplier = y.shape[1] // x.shape[1]
        self.weights, self.dweights = self._by_tap(weight), self._by_tap(dweight)
        self.term = arena.scratch((y.shape[0], x.shape[1], *y.shape[2:]))
        self.parts = [self._taps(x, y[:, m :: self.multiplier]) for m in range(self.multiplier)]

    def _by_tap(self, weight: Array) -> list[list[Array]]:
        """For each multiple and each tap, the factors of the channels."""
        places = list(itertools.product(*map(range, self.geometry.kernel)))
        banks = [weight[:, :, 0, m :: self.multiplier] for m in range(self.multiplier)]
        return [[bank[row, column] for row, column in places] for bank in banks]

    def _taps(self, x: Array, y: Array) -> list[tuple[Array, Array, Array]]:
        """For each tap its pixels, the outputs that they belong to, and scratch of their shape."""
        return [
            (seen, out, self.term.reshape(-1)[: seen.size].reshape(seen.shape))
            for seen, out in tap_views(x, y, self.geometry)
        ]

    def forward(self) -> None:
        self.y.fill(0)
        for taps, weights in zip(self.parts, self.weights, strict=True):
            for (seen, out, term), weight in zip(taps, weights, strict=True):
                np.multiply(seen, weight[:, None, None], out=term)
                np.add(out, term, out=out)

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        super().plan_backward(
            dy, arena, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
        )
        self.term = arena.scratch(self.term.shape)
        strided = [dy[:, m :: self.multiplier] for m in range(self.multiplier)]
        self.sources = [self._taps(self.x, part) for part in strided]
        dx = self.dx
        self.targets = [] if dx is None else [self._taps(dx, part) for part in strided]

    def backward(self) -> None:
        for taps, dweights in zip(self.sources, self.dweights, strict=True):
            for (seen, dout, term), dweight in zip(taps, dweights, strict=True):
                np.multiply(seen, dout, out=term)
                dweight[:] = term.sum(axis=(0, 2, 3), dtype=float)
        if self.dx is None:
            return
        self.dx.fill(0)
        for taps, weights in zip(self.targets, self.weights, strict=True):
            for (target, dout, term), weight in zip(taps, weights, strict=True):
                np.multiply(dout, weight[:, None, None], out=term)
                np.add(target, term, out=target)
