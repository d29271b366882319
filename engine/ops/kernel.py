"""What every operation on one shard looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.memory import Array, Memory


@dataclass
class Mode:
    """What changes from step to step; one object shared by every kernel of a model."""

    training: bool = True
    step: int = 0
    seed: int = 0
    dropout: float | None = None
    """Probability in every dropout layer, in place of their own."""


class Shard:
    """A slice of the batch with memory and partial gradients of its own.

    Shards never touch each other's arrays, so any number of threads may run them; their gradients
    are summed in the order of ``index``, which gives the same bits for any number of threads.
    """

    def __init__(self, index: int, images: slice, memory: Memory, grads: Array) -> None:
        self.index = index
        self.images = images
        self.size = images.stop - images.start
        self.memory = memory
        self.grads = grads


class Kernel:
    """One operation bound to one shard: ``y = f(x)``, then ``dx`` from ``dy``.

    A kernel is laid out twice, in the order in which it will run: its constructor takes ``x`` and
    makes ``y``; :meth:`plan_backward` takes ``dy`` and makes ``dx``.
    """

    x: Array
    y: Array
    dy: Array
    dx: Array | None = None

    def forward(self) -> None:
        """Compute ``y`` from ``x``."""
        raise NotImplementedError

    def plan_backward(
        self, dy: Array, memory: Memory, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        """Lay out the backward pass: set ``dy``, and ``dx`` where it is needed.

        ``dx`` may be ``dy`` itself, overwritten, if ``can_overwrite_grad``: nobody else reads it.
        """
        self.dy = dy
        self.dx = memory.gradient_of(self.x) if needs_input_grad else None

    def backward(self) -> None:
        """Compute ``dx``, and the gradients of the parameters, from ``dy``."""
        raise NotImplementedError


class InPlaceKernel(Kernel):
    """An elementwise operation whose gradient may take the place of ``dy``."""

    def plan_backward(
        self, dy: Array, memory: Memory, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        if can_overwrite_grad and needs_input_grad:
            self.dy = self.dx = dy
        else:
            super().plan_backward(
                dy, memory, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
            )


def as_rows(volume: Array) -> Array:
    """``(H, C, W, N)`` as a stack of ``(C, W*N)`` matrices, without a copy."""
    height, channels, width, images = volume.shape
    rows = volume.view()
    rows.shape = (height, channels, width * images)
    return rows


class ChannelSums:
    """Sums over height, width and images of ``(H, C, W, N)`` volumes: ``(C,)`` in float64.

    A row is summed as a product with ones, which takes a third of the time of a reduction.
    """

    def __init__(self, volume: Array) -> None:
        self.ones = np.ones(volume[0, 0].size, volume.dtype)
        self.partial = np.empty(volume.shape[:2], volume.dtype)

    def of(self, rows: Array) -> NDArray[np.float64]:
        """The sums of a volume given :func:`as_rows`."""
        np.matmul(rows, self.ones, out=self.partial)
        sums: NDArray[np.float64] = self.partial.sum(0, dtype=np.float64)
        return sums


def blocks_of(count: int, some: int) -> list[slice]:
    """``some`` at a time until all ``count`` are done."""
    return [slice(low, min(low + some, count)) for low in range(0, count, some)]


CACHED_BYTES = 1 << 18
"""What operations of several passes go through at a time: it stays in cache from pass to pass."""


def row_blocks(*volumes: Array) -> list[tuple[Array, ...]]:
    """Volumes of the same height cut into the same blocks of rows, the first into small ones."""
    first = volumes[0]
    some = max(1, CACHED_BYTES // first[0].nbytes)
    return [tuple(volume[rows] for volume in volumes) for rows in blocks_of(len(first), some)]


def to_inner(images: Array) -> Array:
    """A view of ``(N, C, H, W)`` images, or ``(N, D)`` vectors, as ``(H, C, W, N)``."""
    if images.ndim == 2:
        return images.T[None, :, None, :]
    return images.transpose(2, 1, 3, 0)
