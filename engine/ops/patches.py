"""The patches under a sliding window, as matrices for products: copied (im2col) or as views."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from cnn_tui.engine.ops.memory import Arena, Array

COPIED_BYTES = 1 << 20
"""Bytes of patches that are copied at a time, about a second-level cache (measured)."""
FEW_ROWS = 48
"""Fewer rows make products on shifted views slower than one on copied patches (measured)."""


Items = NDArray[np.void]
"""A volume whose items are pixels, the N numbers of all images, or whole rows of pixels."""


def as_items(target: Array, source: Array) -> tuple[Items, Items]:
    """Views to copy from one to the other, with a contiguous row, or else a pixel, as one item.

    NumPy copies items of 16 bytes ten times as fast as runs of four numbers (measured).
    """
    volumes = target, source
    if all(volume.strides[-2] == volume.shape[-1] * volume.itemsize for volume in volumes):
        volumes = target.reshape(*target.shape[:-2], -1), source.reshape(*source.shape[:-2], -1)
    item = f"V{volumes[0].shape[-1] * target.itemsize}"
    return volumes[0].view(item)[..., 0], volumes[1].view(item)[..., 0]


@dataclass(frozen=True)
class Geometry:
    """The window of a convolution or pool and its output size, in pairs ``(height, width)``."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    output: tuple[int, int]

    @property
    def unit(self) -> bool:
        """Whether the stride and the dilation are 1."""
        return self.stride == (1, 1) and self.dilation == (1, 1)

    @property
    def dense(self) -> bool:
        """Whether the gradient of the input is itself a convolution with stride 1."""
        return self.stride == (1, 1) and min(self._outer) >= 0

    @property
    def _outer(self) -> tuple[int, int]:
        """The padding of the gradient of the output."""
        high, wide = (
            d * (k - 1) - p
            for k, p, d in zip(self.kernel, self.padding, self.dilation, strict=True)
        )
        return high, wide

    def transposed(self, size: tuple[int, int]) -> Geometry:
        """The window of the gradient of an input of ``size``; requires :attr:`dense`."""
        return Geometry(self.kernel, (1, 1), self._outer, self.dilation, size)


def taps(size: int, geometry: Geometry, axis: int, tap: int) -> tuple[slice, slice]:
    """Where tap number ``tap`` of the window reads inside the input, along one axis.

    Returns the outputs whose tap lies inside and the inputs that it reads; for the other outputs
    the tap reads padding.
    """
    stride, count = geometry.stride[axis], geometry.output[axis]
    offset = tap * geometry.dilation[axis] - geometry.padding[axis]
    first = max(0, -(offset // stride))
    last = min(count, (size - 1 - offset) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    start = first * stride + offset
    return slice(first, last), slice(start, start + (last - first - 1) * stride + 1, stride)


class Im2col:
    """The patches of ``x (H, C, W, N)``, copied: one matrix for each output row.

    ``views`` holds one stack ``(OH, KH*KW*C, OW*N)``. Only the taps along the width are copied: in
    ``expanded (HP, KW, C, OW, N)`` the rows under a window are contiguous, so the stack is an
    overlapping view. With a dilation along the height it is not, and every tap is copied.
    """

    def __init__(self, x: Array, geometry: Geometry, buffer: Array) -> None:
        self.x = x
        self.geometry = geometry
        self.expanded = buffer
        height, channels, _, images = x.shape
        (out_h, out_w), (kernel_h, kernel_w) = geometry.output, geometry.kernel
        rows = kernel_h * kernel_w * channels
        step = buffer.strides[0] * (geometry.stride[0] if self.overlapping(geometry) else kernel_h)
        item = buffer.itemsize
        shape, strides = (out_h, rows, out_w * images), (step, out_w * images * item, item)
        self.views = [as_strided(buffer, shape, strides)]
        self._plan(height)

    @staticmethod
    def overlapping(geometry: Geometry) -> bool:
        """Whether the rows of neighbouring patches share memory."""
        return geometry.dilation[0] == 1

    @staticmethod
    def memory_shape(x_shape: tuple[int, ...], geometry: Geometry) -> tuple[int, ...]:
        """The shape of ``expanded`` for an input of ``x_shape``."""
        _, channels, _, images = x_shape
        (out_h, out_w), (kernel_h, kernel_w) = geometry.output, geometry.kernel
        overlapping = Im2col.overlapping(geometry)
        rows = (out_h - 1) * geometry.stride[0] + kernel_h if overlapping else out_h * kernel_h
        return (rows, kernel_w, channels, out_w, images)

    def _plan(self, height: int) -> None:
        """Set ``zeros``, the parts that stand for padding, and ``copies``, (target, source)."""
        pieces: list[tuple[Array, Array | None]] = []
        for target, source in self._rows(height):
            if source is None:
                pieces.append((target, None))
            else:
                pieces.extend(self._columns(target, source))
        pieces = [piece for piece in pieces if piece[0].size]
        self.zeros = [target for target, source in pieces if source is None]
        self.copies = [as_items(t, s) for t, s in pieces if s is not None]

    def _rows(self, height: int) -> list[tuple[Array, Array | None]]:
        """Split the target along the height into rows of the input and rows of padding."""
        if self.overlapping(self.geometry):
            top = self.geometry.padding[0]
            inside = self.expanded[top : top + height]
            return [
                (self.expanded[:top], None),
                (inside, self.x[: len(inside)]),
                (self.expanded[top + height :], None),
            ]
        stack = self.expanded.reshape(-1, self.geometry.kernel[0], *self.expanded.shape[1:])
        pieces: list[tuple[Array, Array | None]] = []
        for tap in range(self.geometry.kernel[0]):
            outputs, inputs = taps(height, self.geometry, 0, tap)
            pieces.append((stack[: outputs.start, tap], None))
            pieces.append((stack[outputs, tap], self.x[inputs]))
            pieces.append((stack[outputs.stop :, tap], None))
        return pieces

    def _columns(self, target: Array, source: Array) -> list[tuple[Array, Array | None]]:
        """Split the target along the width into columns of the input and of padding, by tap."""
        pieces: list[tuple[Array, Array | None]] = []
        for tap in range(self.geometry.kernel[1]):
            outputs, inputs = taps(source.shape[2], self.geometry, 1, tap)
            column = target[:, tap]
            pieces.append((column[:, :, : outputs.start], None))
            pieces.append((column[:, :, outputs], source[:, :, inputs]))
            pieces.append((column[:, :, outputs.stop :], None))
        return pieces

    def fill(self) -> None:
        """Copy ``x`` into ``expanded``, so that the view shows its patches."""
        for part in self.zeros:
            part.fill(0)
        for target, source in self.copies:
            np.copyto(target, source)

    def release(self, arena: Arena) -> None:
        """Release the buffer for operations that run after the owner of the patches."""
        arena.release(self.expanded)


class ShiftedViews:
    """The patches of a window of stride 1 without copies: one view of padded ``x`` per column.

    View number ``kw`` is ``(OH, KH*C, OW*N)``: the rows under the window from that column on. The
    products with all views add up to the convolution.
    """

    def __init__(self, padded: Array, geometry: Geometry) -> None:
        channels, images = padded.shape[1], padded.shape[3]
        (out_h, out_w), (kernel_h, kernel_w) = geometry.output, geometry.kernel
        shape = (out_h, kernel_h * channels, out_w * images)
        strides = (padded.strides[0], padded.strides[1], padded.itemsize)
        self.views = [as_strided(padded[:, :, kw:], shape, strides) for kw in range(kernel_w)]

    def fill(self) -> None:
        """Do nothing: views need no copy."""

    def release(self, arena: Arena) -> None:
        """Do nothing: views need no buffer."""


Patches = Im2col | ShiftedViews


def find_patches(x: Array, geometry: Geometry, arena: Arena) -> list[tuple[slice, Patches]]:
    """The patches of all output rows, in blocks: slices of the rows and their patches.

    Shifted views where they are faster and ``x`` has a halo, else im2col in acquired memory, which
    the first block releases.
    """
    kernel_h, kernel_w = geometry.kernel
    if geometry.unit and (kernel_w == 1 or kernel_h * x.shape[1] >= FEW_ROWS):
        padded = arena.padded_view(x, geometry.padding)
        if padded is not None and (
            kernel_h == 1 or padded.strides[0] == padded.shape[1] * padded.strides[1]
        ):
            return [(slice(0, geometry.output[0]), ShiftedViews(padded, geometry))]
    return copied_patches(x, geometry, arena)


def copied_patches(x: Array, geometry: Geometry, arena: Arena) -> list[tuple[slice, Patches]]:
    """Im2col of a few rows at a time, which stay in cache for their products."""
    height = geometry.output[0]
    one, two = (_output_rows(geometry, rows) for rows in (1, 2))
    shapes = [math.prod(Im2col.memory_shape(x.shape, each)) for each in (one, two)]
    most = 1 + max(0, COPIED_BYTES // x.itemsize - shapes[0]) // (shapes[1] - shapes[0])
    count = -(-height // most)
    blocks = [slice(height * at // count, height * (at + 1) // count) for at in range(count)]
    largest = _output_rows(geometry, max(block.stop - block.start for block in blocks))
    buffer = arena.acquire(Im2col.memory_shape(x.shape, largest))
    return [(block, _im2col_of(x, geometry, block, buffer)) for block in blocks]


def _output_rows(geometry: Geometry, rows: int) -> Geometry:
    return replace(geometry, output=(rows, geometry.output[1]))


def _im2col_of(x: Array, geometry: Geometry, rows: slice, buffer: Array) -> Im2col:
    """The patches of the output ``rows``."""
    begin = rows.start * geometry.stride[0] - geometry.padding[0]
    seen = _output_rows(geometry, rows.stop - rows.start)
    seen = replace(seen, padding=(max(0, -begin), geometry.padding[1]))
    part = x[max(0, begin) :]
    shape = Im2col.memory_shape(x.shape, seen)
    return Im2col(part, seen, buffer.reshape(-1)[: math.prod(shape)].reshape(shape))
