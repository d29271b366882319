"""Where a plan's arrays come from: aligned blocks, handed back and used again while planning."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike, NDArray

ALIGNMENT = 64
"""Bytes: one cache line, and the widest vector register."""

Array = NDArray[np.floating]
"""Float arrays of the engine: float32 to train, float64 to check gradients."""


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """An uninitialised C-contiguous array that begins on a cache line."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


class Arena:
    """Memory of one shard, planned by liveness.

    A plan is laid out in the order in which it will run. What is released may be handed out again
    to an operation that runs later, so gradients and workspaces share a few blocks. Contents last
    only as long as the array is held.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._free: list[Array] = []
        self._lent: dict[int, Array] = {}

    def acquire(self, shape: tuple[int, ...]) -> Array:
        """An array of ``shape`` and unspecified contents, kept until it is released."""
        size = math.prod(shape)
        fitting = [block for block in self._free if block.size >= size]
        if fitting:
            block = min(fitting, key=lambda candidate: candidate.size)
            self._free = [other for other in self._free if other is not block]
        else:
            block = aligned_empty((size,), self.dtype)
        self._lent[block.ctypes.data] = block
        return block[:size].reshape(shape)

    def release(self, array: Array) -> None:
        """Give an acquired array back, to be handed out again; others are left alone."""
        block = self._lent.pop(array.ctypes.data, None)
        if block is not None:
            self._free.append(block)

    def scratch(self, shape: tuple[int, ...]) -> Array:
        """An array for use within one operation: later operations may overwrite it."""
        array = self.acquire(shape)
        self.release(array)
        return array
