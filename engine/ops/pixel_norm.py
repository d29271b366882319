"""Normalisation over the channels of each pixel, as in ConvNeXt (Liu et al. 2022)."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import InPlaceKernel, as_rows, row_blocks
from cnn_tui.engine.ops.memory import Arena, Array


class PixelNormKernel(InPlaceKernel):
    """A layer norm over the channels of each pixel."""

    def __init__(self, x: Array, y: Array, eps: float, arena: Arena) -> None:
        self.x, self.y, self.eps = x, y, eps
        height, channels, width, images = x.shape
        self.mean, self.inverse_std = (arena.allocate((height, 1, width, images)) for _ in range(2))
        self.blocks = row_blocks(x, y, self.mean, self.inverse_std)
        row, block = (1, channels, width, images), self.blocks[0][0].shape
        self.scale, self.shift, self.spare, self.squares = arena.scratches(row, row, block, block)
        self.average = np.full((1, channels), 1 / channels, x.dtype)

    def bind(self, gamma: Array, beta: Array, dgamma: Array, dbeta: Array) -> None:
        """Give the kernel its parameters and their gradients, each ``(C, 1)``."""
        self.gamma, self.beta = (each.reshape(1, -1, 1, 1) for each in (gamma, beta))
        self.dgamma, self.dbeta = dgamma, dbeta

    def forward(self) -> None:
        np.copyto(self.scale, self.gamma)
        np.copyto(self.shift, self.beta)
        for x, y, mean, inverse_std in self.blocks:
            spare, squares = self.spare[: len(x)], self.squares[: len(x)]
            np.matmul(self.average, as_rows(x), out=as_rows(mean))
            np.subtract(x, mean, out=spare)
            np.multiply(spare, spare, out=squares)
            np.matmul(self.average, as_rows(squares), out=as_rows(inverse_std))
            np.add(inverse_std, self.eps, out=inverse_std)
            np.sqrt(inverse_std, out=inverse_std)
            np.reciprocal(inverse_std, out=inverse_std)
            np.multiply(spare, inverse_std, out=spare)
            np.multiply(spare, self.scale, out=spare)
            np.add(spare, self.shift, out=y)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        dx = dy if dx is None else dx
        self.gradients = row_blocks(self.x, dy, dx, self.mean, self.inverse_std)
        row, block = (1, *self.x.shape[1:]), self.gradients[0][0].shape
        self.rows = arena.scratches(row, row, row, row, block, block)
        self.slope, self.offset = (np.empty_like(self.gradients[0][3]) for _ in range(2))

    def backward(self) -> None:
        """``dx = (g - mean(g) - n * mean(g * n)) / std`` with ``g = gamma * dy``, n normal x."""
        scale, part, sums, products, normals, terms = self.rows
        np.copyto(scale, self.gamma)
        sums.fill(0)
        products.fill(0)
        # The mean of what is multiplied with gamma is a product with gamma.
        weights = self.gamma.reshape(1, -1) * self.average
        for x, dy, dx, mean, inverse_std in self.gradients:
            normal, term = normals[: len(x)], terms[: len(x)]
            np.subtract(x, mean, out=normal)
            np.multiply(normal, inverse_std, out=normal)
            np.add.reduce(dy, axis=0, keepdims=True, out=part)
            np.add(sums, part, out=sums)
            np.multiply(dy, normal, out=term)
            np.add.reduce(term, axis=0, keepdims=True, out=part)
            np.add(products, part, out=products)
            if self.dx is None:
                continue
            slope, offset = self.slope[: len(x)], self.offset[: len(x)]
            np.matmul(weights, as_rows(term), out=as_rows(slope))
            np.matmul(weights, as_rows(dy), out=as_rows(offset))
            np.multiply(normal, slope, out=normal)
            np.add(normal, offset, out=normal)
            np.multiply(dy, scale, out=term)
            np.subtract(term, normal, out=term)
            np.multiply(term, inverse_std, out=dx)
        self.dgamma[:, 0] = products.sum((0, 2, 3), dtype=float)
        self.dbeta[:, 0] = sums.sum((0, 2, 3), dtype=float)
