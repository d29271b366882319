"""The arena of a plan: aligned arrays, whose memory is reused by liveness during planning."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

ALIGNMENT = 64
"""Bytes: one cache line, and the widest vector register."""

Array = NDArray[np.floating]
"""Float arrays of the engine: float32 to train, float64 to check gradients."""

Padding = tuple[int, int]
"""Rows of zeros above and below, columns of zeros left and right: a padding or a halo."""
NO_HALO: Padding = (0, 0)


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """An uninitialised C-contiguous array, aligned to a cache line."""
    return _aligned(shape, np.dtype(dtype), np.empty)


def aligned_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """An aligned array of zeros, whose pages the system provides when they are first touched."""
    return _aligned(shape, np.dtype(dtype), np.zeros)


def _aligned(
    shape: tuple[int, ...], dtype: np.dtype[Any], make: Callable[..., NDArray[np.uint8]]
) -> Array:
    size = math.prod(shape) * dtype.itemsize
    raw = make(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


class _Padded(NamedTuple):
    """The array, with a border of zeros, in which another lies."""

    halo: Padding
    outer: Array
    block: int
    """The address of the block in which both lie."""


class Arena:
    """The arrays of one shard: activations for good, gradients and scratch by liveness.

    A plan is made in the order in which it will run. A released array may be reused by an operation
    that runs later, so gradients and scratch arrays share a few blocks. Contents are valid only
    until the array is released.

    An array ``(H, C, W, N)`` may have a halo: it lies in a larger array with a border of zeros
    around height and width, so that a convolution reads its padding in place. Halos are recorded by
    address, so that an array and the result of an in-place operation share one.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.bytes = 0
        """Bytes of all blocks."""
        self._free: list[Array] = []
        self._zeros = aligned_empty((0,), dtype)
        self._lent: dict[int, Array] = {}
        self._padded: dict[int, dict[int, _Padded]] = {}
        """Padded arrays by address, then by channels: the first group of an array has its address,
        too."""
        self._within: dict[int, list[int]] = {}
        """The addresses of such arrays by that of the block in which they lie."""
        self._expected: dict[int, Padding] = {}

    def allocate(self, shape: tuple[int, ...], padding: Padding = NO_HALO) -> Array:
        """An array that lives as long as the plan, with a halo of ``padding`` zeros."""
        padded = aligned_zeros(_with_halo(shape, padding), self.dtype)
        self.bytes += padded.nbytes
        return padded if padding == NO_HALO else self._inside(padded, padding)

    def acquire(self, shape: tuple[int, ...]) -> Array:
        """An uninitialised array, valid until it is released."""
        size = math.prod(shape)
        fitting = [block for block in self._free if block.size >= size]
        if fitting:
            block = min(fitting, key=lambda candidate: candidate.size)
            self._free = [other for other in self._free if other is not block]
            for address in self._within.pop(_address(block), ()):
                self._padded.pop(address, None)
        else:
            block = aligned_empty((size,), self.dtype)
            self.bytes += block.nbytes
        self._lent[_address(block)] = block
        return block[:size].reshape(shape)

    def release(self, array: Array) -> None:
        """Return an acquired array for reuse; arrays that were not acquired are ignored."""
        start = _address(array)
        start = next((padded.block for padded in self._padded.get(start, {}).values()), start)
        block = self._lent.pop(start, None)
        if block is not None:
            self._free.append(block)

    def scratch(self, shape: tuple[int, ...]) -> Array:
        """A scratch array for one operation; later operations may overwrite it."""
        array = self.acquire(shape)
        self.release(array)
        return array

    def scratches(self, *shapes: tuple[int, ...]) -> list[Array]:
        """Several scratch arrays for the same operation, which do not overlap."""
        arrays = [self.acquire(shape) for shape in shapes]
        for array in arrays:
            self.release(array)
        return arrays

    def mask_size(self, shape: tuple[int, ...]) -> tuple[int]:
        """The shape of an array whose bytes hold booleans of ``shape``."""
        return (-(-math.prod(shape) // self.dtype.itemsize),)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Zeros to compare with, which all operations share and none may write."""
        size = math.prod(shape)
        if self._zeros.size < size:
            self._zeros = aligned_zeros((size,), self.dtype)
            self.bytes += self._zeros.nbytes
        return self._zeros[:size].reshape(shape)

    def padded_view(self, array: Array, padding: Padding) -> Array | None:
        """A view of ``array`` with ``padding`` zeros around it, or None if its halo is smaller."""
        halo, padded, _ = self._padding_of(array)
        top, left = halo[0] - padding[0], halo[1] - padding[1]
        if top < 0 or left < 0:
            return None
        return padded[top : padded.shape[0] - top, :, left : padded.shape[2] - left]

    def split(self, array: Array, groups: int) -> list[Array]:
        """The groups of channels of an array, each with its part of the halo."""
        parts = np.split(array, groups, axis=1)
        halo, padded, block = self._padding_of(array)
        if padded is not array:
            for part, outer in zip(parts, np.split(padded, groups, axis=1), strict=True):
                self._remember(part, _Padded(halo, outer, block))
        return parts

    def with_columns(self, array: Array) -> Array:
        """``array`` with the columns of its halo, if it has any."""
        (top, _), padded, _ = self._padding_of(array)
        rows = padded[top : padded.shape[0] - top]
        is_whole = rows.shape[:2] == array.shape[:2] and rows.shape[3] == array.shape[3]
        return rows if is_whole else array

    def expect_halo(self, y: Array, padding: Padding) -> None:
        """Give the gradient of ``y`` a halo, which its reader must clear."""
        self._expected[_address(y)] = padding

    def inherit_halo(self, y: Array, x: Array) -> None:
        """Give the gradient of ``y`` the halo of that of ``x``, which it may overwrite."""
        self.expect_halo(y, self._expected.get(_address(x), NO_HALO))

    def gradient_of(self, x: Array) -> Array:
        """An acquired array for the gradient of ``x``, with the halo that was announced."""
        padding = self._expected.get(_address(x), NO_HALO)
        if padding == NO_HALO:
            return self.acquire(x.shape)
        return self._inside(self.acquire(_with_halo(x.shape, padding)), padding)

    def _inside(self, padded: Array, padding: Padding) -> Array:
        high, wide = padding
        array = padded[high : padded.shape[0] - high, :, wide : padded.shape[2] - wide]
        self._remember(array, _Padded(padding, padded, _address(padded)))
        return array

    def _remember(self, array: Array, padded: _Padded) -> None:
        start = _address(array)
        self._padded.setdefault(start, {})[array.shape[1]] = padded
        self._within.setdefault(padded.block, []).append(start)

    def _padding_of(self, array: Array) -> _Padded:
        start = _address(array)
        here = self._padded.get(start, {})
        return here.get(array.shape[1]) or _Padded(NO_HALO, array, start)


def mask_in(numbers: Array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Booleans of ``shape`` in the bytes of ``numbers``."""
    return numbers.reshape(-1).view(np.bool_)[: math.prod(shape)].reshape(shape)


def _with_halo(shape: tuple[int, ...], padding: Padding) -> tuple[int, ...]:
    height, channels, width, images = shape
    return (height + 2 * padding[0], channels, width + 2 * padding[1], images)


def _address(array: Array) -> int:
    return int(array.ctypes.data)
