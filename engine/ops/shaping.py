"""Kernels that move values without computing: padding and channel shuffle."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel
from cnn_tui.engine.ops.memory import Arena, Array

Moves = list[tuple[int, int]]
"""Rows or columns of the border, each with the one inside that it repeats."""


class PadKernel(Kernel):
    """The volume with a border: zeros, or pixels of the volume by ``mode``."""

    def __init__(self, x: Array, y: Array, sides: tuple[int, int, int, int], mode: str) -> None:
        self.x, self.y, self.mode = x, y, mode
        (height, _, width, _), (left, _, top, _) = x.shape, sides
        self.rows, self.columns = slice(top, top + height), slice(left, left + width)
        self.inner = y[self.rows, :, self.columns]
        # From the inside outwards, so that a corner repeats what has been filled already.
        self.across = border_moves(left, width, y.shape[2], mode)
        self.down = border_moves(top, height, y.shape[0], mode)

    def forward(self) -> None:
        np.copyto(self.inner, self.x)
        for column, source in self.across:
            target = self.y[self.rows, :, column]
            np.copyto(target, 0 if self.mode == "zeros" else self.y[self.rows, :, source])
        for row, source in self.down:
            np.copyto(self.y[row], 0 if self.mode == "zeros" else self.y[source])

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        if dx is not None and self.mode != "zeros":
            self.total = arena.scratch(dy.shape)

    def backward(self) -> None:
        if self.dx is None:
            return
        total = self.dy
        if self.mode != "zeros":
            total = self.total
            np.copyto(total, self.dy)
            for row, source in reversed(self.down):
                np.add(total[source], total[row], out=total[source])
            for column, source in reversed(self.across):
                target = total[self.rows, :, source]
                np.add(target, total[self.rows, :, column], out=target)
        np.copyto(self.dx, total[self.rows, :, self.columns])


def border_moves(before: int, size: int, whole: int, mode: str) -> Moves:
    """The places of a border along an axis, and those that they repeat; both in the padded axis."""
    moves = []
    for at in [*range(before), *range(before + size, whole)]:
        inside = at - before
        if mode == "reflect":
            inside = -inside if inside < 0 else 2 * (size - 1) - inside
        else:
            inside = min(max(inside, 0), size - 1)
        moves.append((at, before + inside))
    return moves


class ChannelShuffleKernel(Kernel):
    """Channel ``i`` of group ``g`` becomes channel ``i * groups + g``."""

    def __init__(self, x: Array, y: Array, groups: int) -> None:
        self.x, self.y, self.groups = x, y, groups
        self.pairs = shuffled(x, y, groups)

    def forward(self) -> None:
        for source, target in self.pairs:
            np.copyto(target, source)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        self.returns = [] if dx is None else shuffled(dx, dy, self.groups)

    def backward(self) -> None:
        for target, source in self.returns:
            np.copyto(target, source)


def shuffled(before: Array, after: Array, groups: int) -> list[tuple[Array, Array]]:
    """Each group of channels before, and its places after the shuffle."""
    size = before.shape[1] // groups
    return [
        (before[:, group * size : (group + 1) * size], after[:, group::groups])
        for group in range(groups)
    ]
