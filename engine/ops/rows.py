"""Rows of volumes as single runs of numbers: NumPy's loops cost 10 to 20 ns before their first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.kernel import ChannelSums, as_rows
from cnn_tui.engine.ops.memory import Arena, Array

LONG_RUN = 1024
"""Numbers in a run above which the beginning of the loop no longer matters."""


def whole_rows(arena: Arena, *volumes: Array) -> list[Array]:
    """Volumes of the same shape with the columns of their halos, where all have the same ones.

    Then every row is one run. For operations that may see the halos: forward those that map 0 to 0;
    backward any, because who reads a gradient clears its halo.
    """
    wide = [arena.with_columns(volume) for volume in volumes]
    return wide if len({volume.shape for volume in wide}) == 1 else list(volumes)


FEWEST_ROWS = 4
"""Rows of a volume below which a row filled with values costs more than it saves."""


class ChannelRow:
    """A value for each channel, ``(1, C, 1, 1)``, in the form in which it multiplies a volume.

    If the runs of a channel are short, that is a whole row, in which each value is repeated.
    """

    def __init__(self, values: Array, spread: Array) -> None:
        self.values, self.spread = values, spread

    @classmethod
    def several(cls, values: Sequence[Array], volume: Array, arena: Arena) -> list[ChannelRow]:
        """Several for the same volume. Their rows are the arena's until they are released."""
        height, _, width, images = volume.shape
        row = (1, *volume.shape[1:])
        is_short = width * images < LONG_RUN and height >= FEWEST_ROWS
        return [cls(each, arena.acquire(row) if is_short else each) for each in values]

    def release(self, arena: Arena) -> None:
        """Return the row to the arena, whose later operations may overwrite it."""
        arena.release(self.spread)

    def filled(self) -> Array:
        """The values as they are now."""
        if self.spread is not self.values:
            np.copyto(self.spread, self.values)
        return self.spread


class PairSums:
    """Sums of ``a`` and of ``a * b`` for each channel, over height, width and images."""

    def __init__(self, a: Array, b: Array) -> None:
        self.a, self.b = as_rows(a), as_rows(b)
        self.sums = ChannelSums(a)
        self.products = np.empty(a.shape[:2], a.dtype)

    def into(self, out: NDArray[np.float64]) -> None:
        """Put the sums into ``out (2, C)``."""
        self.sums.into(self.a, out[0])
        np.vecdot(self.a, self.b, out=self.products)
        np.add.reduce(self.products, axis=0, dtype=np.float64, out=out[1])


class Repeated:
    """A volume that is 1 along some axes, with its columns repeated to the width of another."""

    def __init__(self, volume: Array, spread: Array) -> None:
        self.volume, self.spread = volume, spread

    @classmethod
    def several(cls, volumes: Sequence[Array], like: Array, arena: Arena) -> list[Repeated]:
        """Several for the same operation, in scratch arrays."""
        width = like.shape[2]
        spreads = [
            volume
            if volume.shape[2] == width
            else arena.acquire((*volume.shape[:2], width, volume.shape[3]))
            for volume in volumes
        ]
        for volume, spread in zip(volumes, spreads, strict=True):
            if spread is not volume:
                arena.release(spread)
        return [cls(*pair) for pair in zip(volumes, spreads, strict=True)]

    def filled(self) -> Array:
        """The values as they are now; they broadcast to the other volume."""
        if self.spread is not self.volume:
            np.copyto(wide_items(self.spread), wide_items(self.volume))
        return self.spread


class SumsTo:
    """Sums of a volume along the axes along which a shape is 1."""

    def __init__(self, shape: tuple[int, ...], volume: Array, arena: Arena) -> None:
        _, channels, columns, images = volume.shape
        self.shape = shape
        self.down = arena.acquire((1, channels, columns, images))
        arena.release(self.down)
        self.ones = np.ones((1, columns), volume.dtype)

    def of(self, volume: Array) -> Array:
        """The sums, each axis in turn: down the rows first, which are the longest runs."""
        if self.shape[0] < volume.shape[0]:
            volume = np.add.reduce(volume, axis=0, keepdims=True, out=self.down)
        if self.shape[2] < volume.shape[2]:
            volume = np.matmul(self.ones, volume)
        if self.shape[1] < volume.shape[1]:
            volume = np.add.reduce(volume, axis=1, keepdims=True)
        return volume


def wide_items(volume: Array) -> NDArray[np.void]:
    """``(H, C, W, N)`` as ``(H, C, W)`` items of N numbers each.

    To copy every second column, NumPy then moves an item at a time, instead of starting a loop over
    N numbers.
    """
    return volume.view(f"V{volume.itemsize * volume.shape[3]}")[..., 0]
