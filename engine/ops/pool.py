"""Pooling over windows, per channel. CS231n notes, Pooling Layer.

Windows are pooled along the width, then along the height, a few channels at a time, so that a block
stays in cache; :mod:`planes` says how the numbers under a tap of all windows become one long run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.kernel import Kernel, Shard, blocks_of
from cnn_tui.engine.ops.memory import Arena, Array, mask_in
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.planes import Planes, along_height, outputs_shape, rows_shape, shaped

BLOCK_BYTES = 1 << 20
"""Input of a block. Smaller ones have rows too short to be read at speed from memory (measured)."""


class MaxForward:
    """Outputs of a block: the largest number of each window."""

    combine: np.ufunc = np.maximum
    padding = -np.inf

    def __init__(self, x: Array, y: Array, geometry: Geometry, scratch: Sequence[Array]) -> None:
        planes, rows, outputs = scratch
        self.y = y
        self.planes = Planes(x, geometry, self.padding, planes)
        self.rows = shaped(rows, rows_shape(x.shape, geometry))
        self.outputs = shaped(outputs, outputs_shape(x.shape, geometry))
        only = self.planes.taps[0]
        self.heights = along_height(only if geometry.kernel[1] == 1 else self.rows, geometry)
        self.valid = slice(0, geometry.output[1])

    def pooled(self) -> Array:
        """The outputs without the columns that mean nothing."""
        self.planes.load()
        combined(self.combine, self.planes.taps, self.rows)
        return combined(self.combine, self.heights, self.outputs)[:, :, self.valid]

    def run(self) -> None:
        """Compute ``y``."""
        np.copyto(self.y, self.pooled())


def combined(combine: np.ufunc, taps: Sequence[Array], out: Array) -> Array:
    """All taps as one array, in ``out`` unless there is only one."""
    if len(taps) == 1:
        return taps[0]
    combine(taps[0], taps[1], out=out)
    for tap in taps[2:]:
        combine(out, tap, out=out)
    return out


class AvgForward(MaxForward):
    """Outputs of a block: the mean of each window."""

    combine = np.add
    padding = 0.0

    def scaled_by(self, scale: Array) -> AvgForward:
        """Return the block with one over the size of each window as its factors."""
        self.scale = scale
        return self

    def run(self) -> None:
        np.multiply(self.pooled(), self.scale, out=self.y)


class Backward:
    """The gradient of a block: ``dx`` from ``dy``."""

    def __init__(self, dy: Array, dx: Array, geometry: Geometry, scratch: Sequence[Array]) -> None:
        planes, rows, outputs = scratch
        self.dy = dy
        self.dplanes = Planes(dx, geometry, 0, planes)
        self.drows = shaped(rows, rows_shape(dx.shape, geometry))
        self.gradient = shaped(outputs, outputs_shape(dx.shape, geometry))
        self.stride_h, self.stride_w = geometry.stride
        self.dheights = along_height(self.drows, geometry)
        self.inner = self.gradient[:, :, : geometry.output[1]]
        # What no first tap sets, and the columns that mean nothing.
        covered = geometry.kernel[0] >= self.stride_h
        first = self.stride_h * geometry.output[0] if covered else 0
        zeros = [self.drows[first:], self.gradient[:, :, geometry.output[1] :], *self.dplanes.ends]
        self.zeros = [array for array in zeros if array.size]

    def start(self) -> None:
        """Fill the gradient with ``dy``."""
        np.copyto(self.inner, self.dy)
        for array in self.zeros:
            array.fill(0)


class AvgBackward(Backward):
    """The gradient of a block of means."""

    def scaled_by(self, scale: Array) -> AvgBackward:
        """Return the block with one over the size of each window as its factors."""
        self.scale = scale
        return self

    def run(self) -> None:
        """Compute ``dx``."""
        self.start()
        np.multiply(self.inner, self.scale, out=self.inner)
        spread(self.gradient, self.dheights, self.stride_h)
        spread(self.drows, self.dplanes.taps, self.stride_w)
        self.dplanes.store()


def spread(gradient: Array, targets: Sequence[Array], fresh: int) -> None:
    """Set the first ``fresh`` targets to the gradient and add it to the others."""
    for target in targets[:fresh]:
        np.copyto(target, gradient)
    for target in targets[fresh:]:
        np.add(target, gradient, out=target)


class MaxBackward(Backward):
    """The gradient of a block of maxima: each goes to the first of the largest numbers."""

    def bind(self, x: Array, geometry: Geometry, scratch: Sequence[Array]) -> MaxBackward:
        """Plan the comparisons with ``x``."""
        planes, numbers, self.share, rows, *later = scratch
        self.planes = Planes(x, geometry, -np.inf, planes)
        plane, outputs = self.drows.shape, self.gradient.shape
        self.mask = mask_in(numbers, (self.drows.size,))
        self.rows = shaped(rows, plane)
        taps = self.planes.taps
        self.heights = along_height(self.rows if len(taps) > 1 else taps[0], geometry)
        count = max(0, len(taps) - 2)
        self.later_columns = [*(shaped(buffer, plane) for buffer in later[:count]), taps[-1]]
        self.later_rows = [
            *(shaped(buffer, outputs) for buffer in later[count:]),
            self.heights[-1],
        ]
        return self

    def run(self) -> None:
        """Compute ``dx``."""
        self.planes.load()
        taps = self.planes.taps
        largest_later(taps, self.later_columns)
        if len(taps) > 1:
            np.maximum(taps[0], self.later_columns[0], out=self.rows)
        largest_later(self.heights, self.later_rows)
        self.start()
        self.spread(self.gradient, self.heights, self.later_rows, self.dheights, self.stride_h)
        self.spread(self.drows, taps, self.later_columns, self.dplanes.taps, self.stride_w)
        self.dplanes.store()

    def spread(
        self,
        gradient: Array,
        taps: Sequence[Array],
        later: Sequence[Array],
        targets: Sequence[Array],
        fresh: int,
    ) -> None:
        """Give each tap the gradients where it is the first of the largest.

        The first ``fresh`` targets are set, to the others is added; ``gradient`` is overwritten.
        """
        mask, share = shaped(self.mask, gradient.shape), shaped(self.share, gradient.shape)
        for number, rest in enumerate(later[: len(taps) - 1]):
            target = targets[number]
            part = target if number < fresh else share
            np.greater_equal(taps[number], rest, out=mask)
            np.copyto(share, mask)
            np.multiply(share, gradient, out=part)
            np.subtract(gradient, part, out=gradient)
            if part is share:
                np.add(target, share, out=target)
        if len(taps) <= fresh:
            np.copyto(targets[-1], gradient)
        else:
            np.add(targets[-1], gradient, out=targets[-1])


def largest_later(taps: Sequence[Array], later: Sequence[Array]) -> None:
    """Compute the largest number of the taps after each; that after the last but one is known."""
    for number in range(len(taps) - 3, -1, -1):
        np.maximum(taps[number + 1], later[number + 1], out=later[number])


class WindowKernel(Kernel):
    """A pool over windows, a block of channels at a time."""

    def __init__(self, x: Array, y: Array, geometry: Geometry, shard: Shard) -> None:
        self.x, self.y, self.geometry = x, y, geometry
        count = max(1, BLOCK_BYTES * x.shape[1] // x.nbytes)
        self.channels = blocks_of(x.shape[1], count)
        block = x[:, self.channels[0]].shape
        plane, outputs = rows_shape(block, geometry), outputs_shape(block, geometry)
        self.sizes = (Planes.size(block, geometry),), plane, outputs
        scratch = shard.arena.scratches(*self.sizes)
        self.forwards = [
            self.forward_of(x[:, channels], y[:, channels], scratch) for channels in self.channels
        ]

    def forward_of(self, x: Array, y: Array, scratch: Sequence[Array]) -> MaxForward:
        """The forward pass of a block."""
        raise NotImplementedError

    def forward(self) -> None:
        for block in self.forwards:
            block.run()


class MaxPoolKernel(WindowKernel):
    """Max pooling; the gradient goes to the first maximum of each window, row by row."""

    def forward_of(self, x: Array, y: Array, scratch: Sequence[Array]) -> MaxForward:
        return MaxForward(x, y, self.geometry, scratch)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        self.backwards: list[MaxBackward] = []
        if dx is None:
            return
        planes, plane, outputs = self.sizes
        later = [max(0, taps - 2) for taps in self.geometry.kernel]
        scratch = arena.scratches(
            *self.sizes,
            *(planes, arena.mask_size(plane), plane, plane),
            *[plane] * later[1],
            *[outputs] * later[0],
        )
        for span in self.channels:
            block = MaxBackward(dy[:, span], dx[:, span], self.geometry, scratch[:3])
            self.backwards.append(block.bind(self.x[:, span], self.geometry, scratch[3:]))

    def backward(self) -> None:
        for block in self.backwards:
            block.run()


class AvgPoolKernel(WindowKernel):
    """Average pooling; padding counts as zeros, or not at all without ``count_padding``."""

    def __init__(
        self, x: Array, y: Array, geometry: Geometry, shard: Shard, *, count_padding: bool
    ) -> None:
        rows, columns = (
            counts(geometry, axis, size, count_padding)
            for axis, size in ((0, x.shape[0]), (1, x.shape[2]))
        )
        scale = np.reciprocal(np.outer(rows, columns)).astype(x.dtype)
        # One number where all windows are of the same size, else one for every value of a channel.
        self.scale = scale.reshape(-1)[:1].reshape(1, 1, 1, 1)
        if (scale != scale.flat[0]).any():
            self.scale = np.repeat(scale[:, None, :, None], x.shape[3], axis=3)
        super().__init__(x, y, geometry, shard)

    def forward_of(self, x: Array, y: Array, scratch: Sequence[Array]) -> MaxForward:
        return AvgForward(x, y, self.geometry, scratch).scaled_by(self.scale)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        self.backwards: list[AvgBackward] = []
        if dx is not None:
            scratch = arena.scratches(*self.sizes)
            self.backwards = [
                AvgBackward(dy[:, span], dx[:, span], self.geometry, scratch).scaled_by(self.scale)
                for span in self.channels
            ]

    def backward(self) -> None:
        for block in self.backwards:
            block.run()


def counts(geometry: Geometry, axis: int, size: int, count_padding: bool) -> NDArray[np.float64]:
    """How many pixels each window holds along an axis; what is beyond the padding never counts."""
    kernel, padding = geometry.kernel[axis], geometry.padding[axis]
    start = np.arange(geometry.output[axis]) * geometry.stride[axis] - padding
    stop = np.minimum(start + kernel, size + padding)
    if not count_padding:
        start, stop = np.maximum(start, 0), np.minimum(stop, size)
    return (stop - start).astype(float)
