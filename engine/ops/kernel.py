"""The base classes of operations on one shard, and the helpers that they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.ops.memory import Arena, Array


@dataclass
class Mode:
    """State that changes from step to step; one object shared by every kernel of a model."""

    training: bool = True
    step: int = 0
    seed: int = 0
    dropout: float | None = None
    """Probability that overrides that of every dropout layer; None leaves each its own."""


class Shard:
    """A slice of the batch with memory and partial gradients of its own.

    Shards share no arrays, so any number of threads may run them. Their gradients are summed in the
    order of ``index``, which gives the same bits for any number of threads.
    """

    def __init__(self, index: int, images: slice, arena: Arena, grads: Array) -> None:
        self.index = index
        self.images = images
        self.size = images.stop - images.start
        self.arena = arena
        self.grads = grads


class Kernel:
    """One operation bound to one shard: ``y = f(x)``, then ``dx`` from ``dy``.

    A kernel is planned in two passes, in the order in which it will run: the constructor receives
    ``x`` and ``y``, :meth:`plan_backward` receives ``dy``.
    """

    x: Array
    y: Array
    dy: Array
    dx: Array | None = None

    def forward(self) -> None:
        """Compute ``y`` from ``x``."""
        raise NotImplementedError

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        """Plan the backward pass from ``dy``.

        With ``can_overwrite_grad`` no other operation reads ``dy``, so ``dx`` may overwrite it.
        """
        self.bind_gradients(dy, arena.gradient_of(self.x) if needs_input_grad else None, arena)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        """Plan the backward pass from ``dy`` to ``dx``, which is None where it is not needed."""
        self.dy, self.dx = dy, dx

    def backward(self) -> None:
        """Compute ``dx``, and the gradients of the parameters, from ``dy``."""
        raise NotImplementedError


class InPlaceKernel(Kernel):
    """An elementwise operation whose ``dx`` may overwrite ``dy``."""

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        if can_overwrite_grad and needs_input_grad:
            self.bind_gradients(dy, dy, arena)
        else:
            super().plan_backward(
                dy, arena, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
            )


def as_rows(volume: Array) -> Array:
    """``(H, C, W, N)`` as a stack of ``(C, W*N)`` matrices, without a copy."""
    height, channels, width, images = volume.shape
    rows = volume.view()
    rows.shape = (height, channels, width * images)
    return rows


class ChannelSums:
    """Sums over height, width and images of ``(H, C, W, N)`` volumes: ``(C,)``, added in float64.

    Rows are summed as products with ones, in a third of the time of a reduction.
    """

    def __init__(self, volume: Array) -> None:
        self.ones = np.ones(volume[0, 0].size, volume.dtype)
        self.partial = np.empty(volume.shape[:2], volume.dtype)

    def into(self, rows: Array, out: Array) -> None:
        """Put the channel sums of a volume, as :func:`as_rows` gives it, into ``out``."""
        np.matmul(rows, self.ones, out=self.partial)
        np.add.reduce(self.partial, axis=0, dtype=np.float64, out=out)


def blocks_of(count: int, block_rows: int) -> list[slice]:
    """Slices of at most ``block_rows`` that cover ``count`` rows."""
    return [slice(low, min(low + block_rows, count)) for low in range(0, count, block_rows)]


CACHED_BYTES = 1 << 20
"""Block size of operations that make several passes: a block stays in cache between them.

In smaller blocks calls are so short that threads wait for the interpreter's lock, as long again as
they compute; the third-level cache takes 15% more time, for the longest formulas only (measured).
"""


def row_blocks(*volumes: Array) -> list[tuple[Array, ...]]:
    """Volumes of equal height cut into the same blocks of rows, small enough for the cache."""
    first = volumes[0]
    block_rows = max(1, CACHED_BYTES // first[0].nbytes)
    return [tuple(volume[rows] for volume in volumes) for rows in blocks_of(len(first), block_rows)]


def to_hcwn(images: Array) -> Array:
    """A view of ``(N, C, H, W)`` images, or ``(N, D)`` vectors, as stored, ``(H, C, W, N)``."""
    if images.ndim == 2:
        return images.T[None, :, None, :]
    return images.transpose(2, 1, 3, 0)
