"""Merges the outputs of branches into one volume: concatenation, sum and product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel
from cnn_tui.engine.ops.memory import Arena, Array, Padding
from cnn_tui.engine.ops.rows import Repeated, SumsTo

Task = Callable[[], None]


class MergeKernel:
    """``y`` from the outputs of all branches, and the gradient of each of these from ``dy``."""

    y: Array

    def __init__(self, parts: Sequence[Array], arena: Arena, halo: Padding) -> None:
        self.parts = parts
        self.y = arena.allocate(self.shape(), halo)

    def shape(self) -> tuple[int, ...]:
        """The shape of ``y``, ``(H, C, W, N)``; that of every part by default."""
        return self.parts[0].shape

    def forward(self) -> None:
        """Compute ``y``."""
        raise NotImplementedError

    def gradient_of(self, number: int, dy: Array, arena: Arena) -> tuple[Array, Task]:
        """The gradient of a part, and the task that computes it; ``dy`` itself needs none."""
        raise NotImplementedError


class AddKernel(MergeKernel):
    """``y`` is the sum of all parts, each of which has the gradient ``dy``."""

    def __init__(self, parts: Sequence[Array], arena: Arena, halo: Padding) -> None:
        super().__init__(parts, arena, halo)
        arena.inherit_halo(self.y, parts[0])

    def forward(self) -> None:
        first, *others = self.parts
        if not others:
            np.copyto(self.y, first)
        for other in others:
            np.add(first, other, out=self.y)
            first = self.y

    def gradient_of(self, number: int, dy: Array, arena: Arena) -> tuple[Array, Task]:
        return dy, lambda: None


class ConcatKernel(MergeKernel):
    """The channels of all parts one after the other (Szegedy et al. 2015)."""

    def shape(self) -> tuple[int, ...]:
        height, _, width, images = self.parts[0].shape
        return height, sum(part.shape[1] for part in self.parts), width, images

    def __init__(self, parts: Sequence[Array], arena: Arena, halo: Padding) -> None:
        super().__init__(parts, arena, halo)
        ends = np.cumsum([part.shape[1] for part in parts]).tolist()
        self.spans = [
            slice(end - part.shape[1], end) for end, part in zip(ends, parts, strict=True)
        ]

    def forward(self) -> None:
        for part, span in zip(self.parts, self.spans, strict=True):
            self.y[:, span] = part

    def gradient_of(self, number: int, dy: Array, arena: Arena) -> tuple[Array, Task]:
        gradient = arena.gradient_of(self.parts[number])
        return gradient, partial(np.copyto, gradient, dy[:, self.spans[number]])


class MultiplyKernel(MergeKernel):
    """The product of all parts (Hu et al. 2018, squeeze-and-excitation).

    A size of 1 counts for all rows, columns or channels of the others.
    """

    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(part.shape for part in self.parts))

    def __init__(self, parts: Sequence[Array], arena: Arena, halo: Padding) -> None:
        super().__init__(parts, arena, halo)
        self.factors = Repeated.several(parts, self.y, arena)

    def forward(self) -> None:
        first, *others = (factor.filled() for factor in self.factors)
        if not others:
            np.copyto(self.y, first)
        for other in others:
            np.multiply(first, other, out=self.y)
            first = self.y

    def gradient_of(self, number: int, dy: Array, arena: Arena) -> tuple[Array, Task]:
        part = self.parts[number]
        gradient = product = arena.gradient_of(part)
        sums = None
        if part.shape != dy.shape:
            product = arena.acquire(dy.shape)
            sums = SumsTo(part.shape, product, arena)
        others = [other for at, other in enumerate(self.parts) if at != number]
        factors = Repeated.several(others, dy, arena)
        if product is not gradient:
            arena.release(product)

        def run() -> None:
            first = dy
            for factor in factors:
                np.multiply(first, factor.filled(), out=product)
                first = product
            if first is dy:
                np.copyto(product, dy)
            if sums is not None:
                np.copyto(gradient, sums.of(product))

        return gradient, run


MERGES: dict[str, type[MergeKernel]] = {
    "add": AddKernel,
    "concat": ConcatKernel,
    "multiply": MultiplyKernel,
}
"""The kernel of each merge by its word in files."""


class ShareKernel(Kernel):
    """Some of the channels of ``x``, copied."""

    def __init__(self, x: Array, y: Array, channels: slice) -> None:
        self.x, self.y, self.channels = x, y, channels

    def forward(self) -> None:
        np.copyto(self.y, self.x[:, self.channels])

    def backward(self) -> None:
        if self.dx is not None:
            self.dx.fill(0)
            self.dx[:, self.channels] = self.dy
