"""Convolution with fewer multiplications: Winograd's F(4, 3) along the height.

Four output rows under a kernel three rows high are six products instead of twelve (Winograd 1980;
Lavin & Gray 2016, section 4.1), for a transform of whole rows before and after, in cache. The
width is not transformed, so that all runs stay long, and the error stays at a few units of
float32's rounding; in two dimensions it would grow tenfold for little further gain.

With ``d`` six input rows, ``g`` the three taps of a column and ``m`` the six products,
``y = A.T @ ((G @ g) * (B.T @ d))`` at the points 0, 1, -1, 2, -2 and infinity.
"""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnn_tui.engine.ops.kernel import as_rows
from cnn_tui.engine.ops.memory import Array, Memory
from cnn_tui.engine.ops.patches import Patches, Shifted
from cnn_tui.engine.ops.products import Products, WeightGradient

TAPS, ROWS, POINTS = 3, 4, 6
FEWEST_CHANNELS = 16
"""On either side: with fewer the sums cost more than the products that they save (measured)."""

G = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
"""What becomes of the taps of a column, ``(6, 3)``."""
BT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
"""What becomes of input rows, ``(6, 6)``."""
AT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
"""What output rows are made of, ``(4, 6)``."""


def favours_winograd(patches: Patches | Shifted, weight: Array) -> TypeGuard[Shifted]:
    """Whether a filter bank ``(KH, KW, C, F)`` has the height, and enough channels, to gain."""
    kernel_h, _, channels, filters = weight.shape
    return (
        isinstance(patches, Shifted)
        and kernel_h == TAPS
        and patches.geometry.output[0] >= ROWS
        and min(channels, filters) >= FEWEST_CHANNELS
        and patches.frame[0].flags.c_contiguous
    )


class Tiles:
    """The tiles of four output rows, transformed one after the other: ``points (6, C, WP, N)``.

    Made of products with small matrices rather than of sums: fewer calls, and half the time.
    """

    def __init__(self, patches: Shifted, points: Array) -> None:
        height, width = patches.geometry.output
        self.tops = range(0, height - ROWS + 1, ROWS)
        self.rest = slice(len(self.tops) * ROWS, height)
        """The rows that are left over."""
        self.transform = BT.astype(points.dtype)
        frame = patches.frame
        self.inputs = [frame[top : top + POINTS].reshape(POINTS, -1) for top in self.tops]
        self.points = points.reshape(POINTS, -1)
        _, channels, _, images = points.shape
        shape = (POINTS, channels, width * images)
        strides = (points.strides[0], points.strides[1], points.itemsize)
        self.columns = [
            as_strided(points[:, :, kw:], shape, strides)
            for kw in range(patches.geometry.kernel[1])
        ]
        """The points under each column of the kernel, ``(6, C, OW*N)``: overlapping views."""

    def load(self, number: int) -> None:
        """Transform the input rows of a tile."""
        np.matmul(self.transform, self.inputs[number], out=self.points)


class WinogradProducts:
    """The same sums as :class:`~cnn_tui.engine.ops.products.Products`, four rows at a time.

    Args:
        taps: For each column of the kernel its transformed taps, ``(6, F, C)``.
        blocks: The taps as they are, for the rows that are left over.
        patches: What the kernel sees.
        out: ``(OH, F, OW, N)``.
        memory: Where workspace comes from.
    """

    def __init__(
        self, taps: list[Array], blocks: list[Array], patches: Shifted, out: Array, memory: Memory
    ) -> None:
        rows = as_rows(out)
        products = (POINTS, *rows.shape[1:])
        points, self.sum, self.term = memory.scratches(
            (POINTS, *patches.frame.shape[1:]), products, products
        )
        self.tiles = Tiles(patches, points)
        self.pairs = list(zip(taps, self.tiles.columns, strict=True))
        self.outputs = [rows[top : top + ROWS] for top in self.tiles.tops]
        self.transform = AT.astype(out.dtype)
        self.four = self.term[:ROWS]
        rest = self.tiles.rest
        self.rest: Products | None = None
        if len(out[rest]):
            self.rest = Products(blocks, patches.rows(rest), out[rest], memory)

    def run(self) -> None:
        """Compute ``out``."""
        for number, rows in enumerate(self.outputs):
            self.tiles.load(number)
            (taps, columns), *rest = self.pairs
            np.matmul(taps, columns, out=self.sum)
            for taps, columns in rest:
                np.matmul(taps, columns, out=self.term)
                np.add(self.sum, self.term, out=self.sum)
            products, four = self.sum.reshape(POINTS, -1), self.four.reshape(ROWS, -1)
            np.matmul(self.transform, products, out=four)
            np.copyto(rows, self.four)
        if self.rest is not None:
            self.rest.run()


class WinogradWeightGradient:
    """``dweight (3, KW, C, F)``: the gradient of the products, turned back into taps.

    With ``u`` the transformed taps and ``v`` the points, the gradient of ``y = A.T @ (u * v)`` by
    ``u`` is ``v * (A @ dy)``, summed over all places; and ``dg = G.T @ du``.
    """

    def __init__(self, patches: Shifted, dy_rows: Array, dweight: Array, memory: Memory) -> None:
        self.dweight = dweight
        _, kernel_w, channels, filters = dweight.shape
        _, _, pixels = dy_rows.shape
        taps = (POINTS, channels, filters)
        points, self.four, self.dm, self.sums, self.term = memory.scratches(
            (POINTS, *patches.frame.shape[1:]),
            (ROWS, filters, pixels),
            (POINTS, filters, pixels),
            (kernel_w, *taps),
            taps,
        )
        self.tiles = Tiles(patches, points)
        self.dy = [dy_rows[top : top + ROWS] for top in self.tiles.tops]
        self.spread = np.ascontiguousarray(AT.T, dweight.dtype)
        self.turn_back = np.ascontiguousarray(G.T, dweight.dtype)
        rest = self.tiles.rest
        self.rest: WeightGradient | None = None
        if len(dy_rows[rest]):
            self.rest = WeightGradient(patches.rows(rest), dy_rows[rest], dweight, memory)

    def run(self) -> None:
        """Compute ``dweight``."""
        if self.rest is not None:  # first: its workspace may be the same
            self.rest.run()
        for number, dy in enumerate(self.dy):
            self.tiles.load(number)
            np.copyto(self.four, dy)
            four, products = self.four.reshape(ROWS, -1), self.dm.reshape(POINTS, -1)
            np.matmul(self.spread, four, out=products)
            dm = self.dm.transpose(0, 2, 1)  # (6, OW*N, F)
            for columns, total in zip(self.tiles.columns, self.sums, strict=True):
                np.matmul(columns, dm, out=self.term if number else total)
                if number:
                    np.add(total, self.term, out=total)
        self._turn_back()

    def _turn_back(self) -> None:
        taps = self.term[:TAPS]
        for kw, total in enumerate(self.sums):
            np.matmul(self.turn_back, total.reshape(POINTS, -1), out=taps.reshape(TAPS, -1))
            if self.rest is None:
                np.copyto(self.dweight[:, kw], taps)
            else:
                np.add(self.dweight[:, kw], taps, out=self.dweight[:, kw])
