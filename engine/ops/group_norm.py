"""Normalisation over groups of channels of one image: group norm, and layer norm as one group."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.kernel import InPlaceKernel, row_blocks
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.rows import wide_items

Sums = NDArray[np.float64]


class GroupNormKernel(InPlaceKernel):
    """``y = gamma * (x - mean) / sqrt(variance + eps) + beta``, the statistics those of a group.

    Sums go down the rows first, in long runs; what is left, a row, is summed in float64. So both
    directions are, as those of a batch norm, a factor and a term for each channel and image, which
    are repeated along a row.
    """

    def __init__(self, x: Array, y: Array, groups: int, eps: float, arena: Arena) -> None:
        self.x, self.y, self.groups, self.eps = x, y, groups, eps
        height, channels, width, images = x.shape
        self.count = height * width * channels // groups
        self.blocks = row_blocks(x, y)
        row, block = (1, *x.shape[1:]), self.blocks[0][0].shape
        self.factor, self.term, self.total, self.spare, self.extra = arena.scratches(
            row, row, row, block, block
        )
        # Sums of a row over its columns, for each channel and image.
        self.picks = np.tile(np.eye(images, dtype=x.dtype), (width, 1))

    def bind(self, gamma: Array, beta: Array, dgamma: Array, dbeta: Array) -> None:
        """Give the kernel its parameters and their gradients, each ``(C, 1)``."""
        self.gamma, self.beta, self.dgamma, self.dbeta = gamma, beta, dgamma, dbeta

    def by_image(self, row: Array) -> Sums:
        """A row summed over its columns, ``(C, N)``."""
        rows = row.reshape(row.shape[1], -1)
        sums: Sums = np.matmul(rows, self.picks).astype(float)
        return sums

    def means(self, sums: Sums) -> Sums:
        """The means of groups, repeated for each channel, from sums ``(C, N)``."""
        channels, images = sums.shape
        size = channels // self.groups
        means = sums.reshape(self.groups, size, images).sum(1) / self.count
        return np.repeat(means, size, axis=0)

    def fill(self, row: Array, values: Sums) -> None:
        """Repeat values ``(C, N)`` along a row."""
        narrow = values.astype(row.dtype)[None, :, None]
        np.copyto(wide_items(row), wide_items(narrow))

    def forward(self) -> None:
        np.add.reduce(self.x, axis=0, keepdims=True, out=self.total)
        self.mean = self.means(self.by_image(self.total))
        self.fill(self.term, self.mean)
        self.total.fill(0)
        for x, _ in self.blocks:
            spare = self.spare[: len(x)]
            np.subtract(x, self.term, out=spare)
            np.multiply(spare, spare, out=spare)
            np.add.reduce(spare, axis=0, keepdims=True, out=self.factor)
            np.add(self.total, self.factor, out=self.total)
        variance = self.means(self.by_image(self.total))
        self.inverse_std = 1 / np.sqrt(variance + self.eps)
        factor = self.inverse_std * self.gamma
        self.fill(self.factor, factor)
        self.fill(self.term, self.beta - self.mean * factor)
        for number, (x, y) in enumerate(self.blocks):
            spare = self.spare[: len(x)]
            np.multiply(x, self.factor, out=spare)
            self.finish(number, spare, y)

    def finish(self, number: int, spare: Array, y: Array) -> None:
        """Compute ``y`` of a block from ``spare``, which lacks only its term."""
        np.add(spare, self.term, out=y)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        dx = dy if dx is None else dx
        self.gradients = row_blocks(self.x, dy, dx)
        row, block = (1, *self.x.shape[1:]), self.gradients[0][0].shape
        self.rows = arena.scratches(row, row, row, row, row, block, block)

    def weighted(self, number: int, dy: Array, out: Array) -> Array:
        """The gradient of a block before the weights that differ from pixel to pixel."""
        return dy

    def add_up(self, number: int, dy: Array, normal: Array) -> None:
        """Compute the gradients of the parameters that differ from pixel to pixel."""

    def sums_backward(self) -> tuple[Array, Array]:
        """The gradients of the normal values, and their products with these, summed to rows."""
        mean, inverse_std, part, products, totals, normal, spare = self.rows
        self.fill(mean, self.mean)
        self.fill(inverse_std, self.inverse_std)
        products.fill(0)
        totals.fill(0)
        for number, (x, dy, _) in enumerate(self.gradients):
            values, out = normal[: len(x)], spare[: len(x)]
            np.subtract(x, mean, out=values)
            np.multiply(values, inverse_std, out=values)
            self.add_up(number, dy, values)
            gradient = self.weighted(number, dy, out)
            np.add.reduce(gradient, axis=0, keepdims=True, out=part)
            np.add(totals, part, out=totals)
            np.multiply(gradient, values, out=values)
            np.add.reduce(values, axis=0, keepdims=True, out=part)
            np.add(products, part, out=products)
        return totals, products

    def set_gradients(self, sums: Sums, products: Sums) -> None:
        """Compute the gradients of the parameters from sums ``(C, N)``."""
        self.dbeta[:] = sums.sum(1, keepdims=True)
        self.dgamma[:] = products.sum(1, keepdims=True)

    def backward(self) -> None:
        """``dx = (g - mean(g) - n * mean(g * n)) / std`` with ``g = gamma * dy``, n normal x."""
        sums, products = (self.by_image(row) for row in self.sums_backward())
        self.set_gradients(sums, products)
        if self.dx is None:
            return
        slope = -(self.inverse_std**2) * self.means(products * self.gamma)
        offset = -self.inverse_std * self.means(sums * self.gamma) - slope * self.mean
        factor_row, slope_row, offset_row, *_, term, spare = self.rows
        self.fill(factor_row, self.inverse_std * self.gamma)
        self.fill(slope_row, slope)
        self.fill(offset_row, offset)
        for number, (x, dy, dx) in enumerate(self.gradients):
            values, out = term[: len(x)], spare[: len(x)]
            gradient = self.weighted(number, dy, out)
            np.multiply(gradient, factor_row, out=out)
            np.multiply(x, slope_row, out=values)
            np.add(out, values, out=out)
            np.add(out, offset_row, out=dx)


class LayerNormKernel(GroupNormKernel):
    """A layer norm of whole volumes: one group, and a scale and a shift for every pixel."""

    def bind(self, gamma: Array, beta: Array, dgamma: Array, dbeta: Array) -> None:
        """Give the kernel its parameters and their gradients, each ``(H, C * W, 1)``."""
        self.scale, self.shift, self.dscale, self.dshift = gamma, beta, dgamma, dbeta
        self.gamma, self.beta = np.ones(1, gamma.dtype), np.zeros(1, gamma.dtype)
        # A product with blocks of ones repeats several values at a time, or adds up their images.
        _, channels, width, images = self.x.shape
        self.together = math.gcd(channels * width, 16)
        self.ones = np.kron(np.eye(self.together), np.ones((1, images))).astype(gamma.dtype)
        self.rows_of = _spans(self.blocks)

    def repeated(self, values: Array, number: int, spare: Array) -> Array:
        """The values of a block's pixels, repeated for each image, in a scratch array."""
        block = spare[: len(self.blocks[number][0])]
        rows = values[self.rows_of[number]].reshape(-1, self.together)
        np.matmul(rows, self.ones, out=block.reshape(len(rows), -1))
        return block

    def add_images(self, block: Array, out: Array) -> None:
        """Compute the sums over the images of a block."""
        rows = out.reshape(-1, self.together)
        np.matmul(block.reshape(len(rows), -1), self.ones.T, out=rows)

    def finish(self, number: int, spare: Array, y: Array) -> None:
        np.add(spare, self.term, out=spare)
        np.multiply(spare, self.repeated(self.scale, number, self.extra), out=spare)
        np.add(spare, self.repeated(self.shift, number, self.extra), out=y)

    def weighted(self, number: int, dy: Array, out: Array) -> Array:
        return np.multiply(dy, self.repeated(self.scale, number, out), out=out)

    def add_up(self, number: int, dy: Array, normal: Array) -> None:
        rows, terms = self.rows_of[number], self.rows[-1][: len(normal)]
        np.copyto(terms, dy)
        self.add_images(terms, self.dshift[rows])
        np.multiply(terms, normal, out=terms)
        self.add_images(terms, self.dscale[rows])

    def set_gradients(self, sums: Sums, products: Sums) -> None:
        """Nothing: they have been computed block by block."""


def _spans(blocks: list[tuple[Array, ...]]) -> list[slice]:
    ends = np.cumsum([len(rows) for rows, *_ in blocks]).tolist()
    return [slice(end - len(rows), end) for end, (rows, *_) in zip(ends, blocks, strict=True)]
