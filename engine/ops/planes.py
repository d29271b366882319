"""The columns of a volume by their place in a stride, so that taps of windows are long runs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.rows import wide_items

Shape = tuple[int, ...]


def rows_shape(block: Shape, geometry: Geometry) -> Shape:
    """The shape ``(RH, C, P, N)`` of a plane: the rows and columns that windows cover."""
    (out_h, out_w), (kernel_h, kernel_w) = geometry.output, geometry.kernel
    later = (kernel_w - 1) // geometry.stride[1]
    return (out_h - 1) * geometry.stride[0] + kernel_h, block[1], out_w + later, block[3]


def outputs_shape(block: Shape, geometry: Geometry) -> Shape:
    """The shape of the outputs in rows as long as those of the planes."""
    return geometry.output[0], *rows_shape(block, geometry)[1:]


class Planes:
    """Every ``stride``-th column of a block ``(H, C, W, N)`` and its padding, side by side.

    A tap of the windows is a plane as well, or begins some columns later in one; its last columns,
    beyond the windows, then hold numbers that mean nothing.
    """

    def __init__(self, block: Array, geometry: Geometry, padding: float, buffer: Array) -> None:
        """``buffer`` has at least as many numbers as :meth:`size` says."""
        self.block, self.padding = block, padding
        shape = rows_shape(block.shape, geometry)
        stride, count = geometry.stride[1], planes_of(geometry)
        size = math.prod(shape)
        runs = np.split(buffer[: self.size(block.shape, geometry)], count)
        self.ends = [run[size:] for run in runs]
        """What the taps that begin later reach of the memory behind each plane."""
        self.taps = [
            runs[tap % stride][tap // stride * shape[3] :][:size].reshape(shape)
            for tap in range(geometry.kernel[1])
        ]
        self._place(geometry, self.taps[:count])

    def _place(self, geometry: Geometry, planes: list[Array]) -> None:
        height, _, width, _ = self.block.shape
        rows, _, pitch, _ = planes[0].shape
        (top, left), stride = geometry.padding, geometry.stride[1]
        low, high = min(top, rows), min(top + height, rows)
        self.pairs: list[tuple[NDArray[np.void], NDArray[np.void]]] = []
        """The columns of the block in the planes, and in the block."""
        borders = []
        held = 0
        for tap, plane in enumerate(planes):
            first = -((tap - left) // stride)
            last = max(first, min(pitch, (width - 1 + left - tap) // stride + 1))
            start = first * stride + tap - left
            columns = slice(start, start + (last - first) * stride, stride)
            inner = plane[low:high]
            if last > first and high > low:
                here, there = inner[:, :, first:last], self.block[: high - low, :, columns]
                self.pairs.append((wide_items(here), wide_items(there)))
            borders += [plane[:low], plane[high:], inner[:, :, :first], inner[:, :, last:]]
            held += last - first
        self.borders = [border for border in borders if border.size]
        self.holds_all = high - low == height and held == width

    @staticmethod
    def size(block: Shape, geometry: Geometry) -> int:
        """Numbers that the planes of a block of this shape take."""
        shape = rows_shape(block, geometry)
        later = (shape[2] - geometry.output[1]) * shape[3]
        return planes_of(geometry) * (math.prod(shape) + later)

    def load(self) -> None:
        """Copy the block into the planes, with its padding."""
        for inner, outer in self.pairs:
            np.copyto(inner, outer)
        for border in self.borders:
            border.fill(self.padding)

    def store(self) -> None:
        """Copy the planes into the block; what they do not hold becomes zero."""
        if not self.holds_all:
            self.block.fill(0)
        for inner, outer in self.pairs:
            np.copyto(outer, inner)


def planes_of(geometry: Geometry) -> int:
    """The number of planes: columns that no window covers have none."""
    return min(geometry.stride[1], geometry.kernel[1])


def along_height(volume: Array, geometry: Geometry) -> list[Array]:
    """Each tap of the windows along the height of a volume in the shape of a plane."""
    stride, count = geometry.stride[0], geometry.output[0]
    return [
        volume[tap : tap + (count - 1) * stride + 1 : stride] for tap in range(geometry.kernel[0])
    ]


def shaped(scratch: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """The beginning of a scratch array in another shape."""
    return scratch.reshape(-1)[: math.prod(shape)].reshape(shape)
