"""The gradient of the input of a convolution with a stride, as convolutions without one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cnn_tui.engine.ops.filters import ConvWeights
from cnn_tui.engine.ops.kernel import as_rows
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry, Items, as_items, copied_patches


class Phase(NamedTuple):
    """Every ``stride``-th place along an axis of the input, and the taps that read these places."""

    first: int
    """The first place."""
    tap: int
    """The first tap; the others follow ``stride`` apart."""
    taps: int
    """Number of taps; 0 if no window reads these places."""
    begin: int
    """The first output, or a place before it, whose window reaches the first place."""


def phases(kernel: int, stride: int, padding: int) -> list[Phase]:
    """The phases of one axis without dilation."""
    found = []
    for first in range(stride):
        tap = (first + padding) % stride
        count = len(range(tap, kernel, stride))
        begin = (first + padding - tap) // stride - (count - 1)
        found.append(Phase(first, tap, count, begin))
    return found


class StridedGradient:
    """``dx`` of a convolution without dilation, one phase of rows and columns at a time.

    The pixels of a phase are read by the same taps only, so that they are a convolution of stride 1
    of ``dy`` with these taps. All phases together take as many multiplications as there are taps,
    and no columns are scattered. Each phase is computed densely, then copied to its pixels.
    """

    def __init__(
        self, weights: ConvWeights, dy: Array, geometry: Geometry, dx: Array, arena: Arena
    ) -> None:
        self.dx = dx
        axes = zip(geometry.kernel, geometry.stride, geometry.padding, strict=True)
        pairs = list(itertools.product(*(phases(*axis) for axis in axes)))
        read = [pair for pair in pairs if pair[0].taps and pair[1].taps]
        self.has_unread = len(read) < len(pairs)
        self.parts: list[tuple[Callable[[], None], Array, Array, Array, Items, Items]] = []
        """Patches to fill, the product with its result, and where its pixels go."""
        for down, across in read:
            target = dx[down.first :: geometry.stride[0], :, across.first :: geometry.stride[1]]
            if target.size:
                form = weights.phase((down.tap, across.tap), geometry.stride)
                self._plan(form, dy, (down, across), target, arena)

    def _plan(
        self, form: Array, dy: Array, phase: tuple[Phase, Phase], target: Array, arena: Arena
    ) -> None:
        down, across = phase
        seen = Geometry(
            (down.taps, across.taps),
            (1, 1),
            (max(0, -down.begin), max(0, -across.begin)),
            (1, 1),
            (target.shape[0], target.shape[2]),
        )
        source = dy[max(0, down.begin) :, :, max(0, across.begin) :]
        blocks = copied_patches(source, seen, arena)
        _, channels, width, images = target.shape
        rows = blocks[0][0].stop - blocks[0][0].start + 1  # blocks differ by a row at most
        dense = arena.scratch((rows, channels, width, images))
        blocks[0][1].release(arena)
        for part, patches in blocks:
            (view,) = patches.views
            result = dense[: len(view)]
            pixels = as_items(target[part], result)
            self.parts.append((patches.fill, form, view, as_rows(result), *pixels))

    def run(self) -> None:
        """Compute ``dx``."""
        if self.has_unread:
            self.dx.fill(0)
        for fill, form, view, out, pixels, dense in self.parts:
            fill()
            np.matmul(form, view, out=out)
            np.copyto(pixels, dense)
