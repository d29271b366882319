"""Where a plan's arrays come from: aligned blocks, handed back and used again while planning."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

ALIGNMENT = 64
"""Bytes: one cache line, and the widest vector register."""

Array = NDArray[np.floating]
"""Float arrays of the engine: float32 to train, float64 to check gradients."""


Padding = tuple[int, int]
"""Rows of zeros above and below, columns of zeros left and right."""
UNFRAMED: Padding = (0, 0)


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """An uninitialised C-contiguous array that begins on a cache line."""
    return _aligned(shape, np.dtype(dtype), np.empty)


def aligned_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """The same of zeros, which the system provides only as they are touched."""
    return _aligned(shape, np.dtype(dtype), np.zeros)


def _aligned(
    shape: tuple[int, ...], dtype: np.dtype[Any], make: Callable[..., NDArray[np.uint8]]
) -> Array:
    size = math.prod(shape) * dtype.itemsize
    raw = make(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


class Memory:
    """The memory of one shard: activations that stay, the rest planned by liveness.

    A plan is laid out in the order in which it will run. What is released may be handed out again
    to an operation that runs later, so gradients and workspaces share a few blocks. Contents last
    only as long as the array is held.

    An array ``(H, C, W, N)`` may lie in a frame, a larger array with a border of zeros around its
    height and width, so that a convolution reads its padding in place. The book on that is kept
    here, by address: an array and what works on it in place are one.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.bytes = 0
        """How much was allocated for good."""
        self._free: list[Array] = []
        self._lent: dict[int, Array] = {}
        self._frames: dict[int, tuple[Padding, Array]] = {}
        self._expected: dict[int, Padding] = {}

    def keep(self, shape: tuple[int, ...], padding: Padding = UNFRAMED) -> Array:
        """An array that lives as long as the plan, in a frame of zeros if ``padding`` asks."""
        frame = aligned_zeros(_framed(shape, padding), self.dtype)
        self.bytes += frame.nbytes
        return frame if padding == UNFRAMED else self._inside(frame, padding)

    def acquire(self, shape: tuple[int, ...]) -> Array:
        """An array of unspecified contents, until it is released."""
        size = math.prod(shape)
        fitting = [block for block in self._free if block.size >= size]
        if fitting:
            block = min(fitting, key=lambda candidate: candidate.size)
            self._free = [other for other in self._free if other is not block]
            self._forget_frame(block)
        else:
            block = aligned_empty((size,), self.dtype)
            self.bytes += block.nbytes
        self._lent[_address(block)] = block
        return block[:size].reshape(shape)

    def release(self, array: Array) -> None:
        """Give an acquired array back, to be handed out again; others are left alone."""
        _, outer = self._frames.get(_address(array), (UNFRAMED, array))
        block = self._lent.pop(_address(outer), None)
        if block is not None:
            self._free.append(block)

    def scratch(self, shape: tuple[int, ...]) -> Array:
        """An array for use within one operation: later operations may overwrite it."""
        array = self.acquire(shape)
        self.release(array)
        return array

    def scratches(self, *shapes: tuple[int, ...]) -> list[Array]:
        """Several arrays to use side by side within one operation."""
        arrays = [self.acquire(shape) for shape in shapes]
        for array in arrays:
            self.release(array)
        return arrays

    def scratch_mask(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Booleans for use within one operation."""
        return mask_in(self.scratch(self.mask_size(shape)), shape)

    def mask_size(self, shape: tuple[int, ...]) -> tuple[int]:
        """The shape of an array whose bytes hold booleans of ``shape``."""
        return (-(-math.prod(shape) // self.dtype.itemsize),)

    def frame_of(self, array: Array, padding: Padding) -> Array | None:
        """``array`` with ``padding`` zeros around it, if its frame has as many; a view."""
        found, frame = self._frames.get(_address(array), (UNFRAMED, array))
        if frame.shape[1] != array.shape[1]:  # the array is the first of several groups of channels
            found, frame = UNFRAMED, array
        top, left = found[0] - padding[0], found[1] - padding[1]
        if top < 0 or left < 0:
            return None
        return frame[top : frame.shape[0] - top, :, left : frame.shape[2] - left]

    def expect_gradient(self, y: Array, padding: Padding) -> None:
        """Let the gradient of ``y`` be laid out in a frame. Whoever reads it clears the border."""
        self._expected[_address(y)] = padding

    def inherit(self, y: Array, x: Array) -> None:
        """Let the gradient of ``y`` be framed as that of ``x``, whose place it may take."""
        self.expect_gradient(y, self._expected.get(_address(x), UNFRAMED))

    def gradient_of(self, x: Array) -> Array:
        """An array for the gradient of ``x``, acquired, framed as expected."""
        padding = self._expected.get(_address(x), UNFRAMED)
        if padding == UNFRAMED:
            return self.acquire(x.shape)
        return self._inside(self.acquire(_framed(x.shape, padding)), padding)

    def _forget_frame(self, block: Array) -> None:
        # What lies at the same address later, such as a group of channels, has another frame.
        of_it = _address(block)
        self._frames = {
            place: found for place, found in self._frames.items() if _address(found[1]) != of_it
        }

    def _inside(self, frame: Array, padding: Padding) -> Array:
        high, wide = padding
        array = frame[high : frame.shape[0] - high, :, wide : frame.shape[2] - wide]
        self._frames[_address(array)] = (padding, frame)
        return array


def mask_in(numbers: Array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Booleans of ``shape`` in the bytes of an array."""
    return numbers.reshape(-1).view(np.bool_)[: math.prod(shape)].reshape(shape)


def _framed(shape: tuple[int, ...], padding: Padding) -> tuple[int, ...]:
    height, channels, width, images = shape
    return (height + 2 * padding[0], channels, width + 2 * padding[1], images)


def _address(array: Array) -> int:
    return int(array.ctypes.data)
