"""Convolution with fewer multiplications: Winograd's F(4, 3) along the height.

Four output rows under a kernel three rows high are six products instead of twelve (Winograd 1980;
Lavin & Gray 2016, section 4.1), for sums of whole rows before and after, which stay in cache. The
width is not transformed, so that all sums are over long runs, and the error stays at a few units
of float32's rounding; in two dimensions it would grow tenfold for little further gain.

With ``d`` six input rows, ``g`` the three taps of a column and ``m`` the six products,
``y = A.T @ ((G @ g) * (B.T @ d))`` at the points 0, 1, -1, 2, -2 and infinity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnn_tui.engine.ops.kernel import as_rows
from cnn_tui.engine.ops.memory import Array, Memory
from cnn_tui.engine.ops.patches import Shifted
from cnn_tui.engine.ops.products import Products, WeightGradient

TAPS, ROWS, POINTS = 3, 4, 6
FEWEST_CHANNELS = 24
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
"""What the taps of a column become."""


def favours_winograd(weight: Array, rows: int) -> bool:
    """Whether a filter bank ``(KH, KW, C, F)`` has the height, and enough channels, to gain."""
    kernel_h, _, channels, filters = weight.shape
    return kernel_h == TAPS and rows >= ROWS and min(channels, filters) >= FEWEST_CHANNELS


class InputTransform:
    """``points (6, C, WP, N)`` from six rows of a frame ``(HP, C, WP, N)``: ``B.T @ d``."""

    def __init__(self, frame: Array, points: Array, spares: Sequence[Array]) -> None:
        self.frame, self.points, self.spares = frame, points, spares

    def load(self, top: int) -> None:
        """Transform the six rows from row ``top`` on."""
        d0, d1, d2, d3, d4, d5 = self.frame[top : top + POINTS]
        p0, p1, p2, p3, p4, p5 = self.points
        even, odd = self.spares
        np.multiply(d2, 4, out=even)
        np.subtract(d4, even, out=even)
        np.multiply(d1, 4, out=odd)
        np.subtract(d3, odd, out=odd)
        np.add(even, odd, out=p1)
        np.subtract(even, odd, out=p2)
        np.subtract(d4, d2, out=even)
        np.subtract(d3, d1, out=odd)
        np.add(odd, odd, out=odd)
        np.add(even, odd, out=p3)
        np.subtract(even, odd, out=p4)
        np.subtract(d0, d2, out=p0)
        np.multiply(p0, 4, out=p0)
        np.add(p0, even, out=p0)
        np.subtract(d5, d3, out=p5)
        np.add(odd, odd, out=odd)
        np.subtract(p5, odd, out=p5)


def columns_of(points: Array, width: int, count: int) -> list[Array]:
    """``points (6, C, WP, N)`` seen from each of the first ``count`` columns on.

    Each is ``(6, C, width*N)``: ``width`` columns, which overlap those of its neighbours.
    """
    channels, images = points.shape[1], points.shape[3]
    shape = (POINTS, channels, width * images)
    strides = (points.strides[0], points.strides[1], points.itemsize)
    return [as_strided(points[:, :, start:], shape, strides) for start in range(count)]


class WinogradProducts:
    """The same sums as :class:`~cnn_tui.engine.ops.products.Products`, four rows at a time.

    Args:
        transformed: For each column of the kernel its taps as ``(6, F, C)``.
        blocks: The taps as they are, for the rows that are left over.
        patches: What the kernel sees.
        out: ``(OH, F, OW, N)``.
        memory: Where workspace comes from.
    """

    def __init__(
        self,
        transformed: list[Array],
        blocks: list[Array],
        patches: Shifted,
        out: Array,
        memory: Memory,
    ) -> None:
        frame = patches.frame
        height, filters, width, images = out.shape
        self.tops = range(0, height - ROWS + 1, ROWS)
        rest = slice(len(self.tops) * ROWS, height)
        self.rest = (
            Products(blocks, patches.rows(rest), out[rest], memory) if len(out[rest]) else None
        )
        self.out = as_rows(out)
        products = (POINTS, filters, width * images)
        points, spares, self.sum, self.term = memory.scratches(
            (POINTS, *frame.shape[1:]), (2, *frame.shape[1:]), products, products
        )
        self.transform = InputTransform(frame, points, spares)
        columns = columns_of(points, width, len(transformed))
        self.pairs = list(zip(transformed, columns, strict=True))

    def run(self) -> None:
        """Compute ``out``."""
        for top in self.tops:
            self.transform.load(top)
            (taps, column), *rest = self.pairs
            np.matmul(taps, column, out=self.sum)
            for taps, column in rest:
                np.matmul(taps, column, out=self.term)
                np.add(self.sum, self.term, out=self.sum)
            self._store(self.out[top : top + ROWS])
        if self.rest is not None:
            self.rest.run()

    def _store(self, rows: Array) -> None:
        """``A.T @ m``: four rows of ``out`` from the six products."""
        m0, m1, m2, m3, m4, m5 = self.sum
        y0, y1, y2, y3 = rows
        near, far, near_odd, far_odd = self.term[:4]
        np.add(m1, m2, out=near)
        np.subtract(m1, m2, out=near_odd)
        np.add(m3, m4, out=far)
        np.subtract(m3, m4, out=far_odd)
        np.add(m0, near, out=y0)
        np.add(y0, far, out=y0)
        np.add(far_odd, far_odd, out=far_odd)
        np.add(near_odd, far_odd, out=y1)
        np.multiply(far, 4, out=far)
        np.add(near, far, out=y2)
        np.multiply(far_odd, 4, out=far_odd)
        np.add(near_odd, far_odd, out=near_odd)
        np.add(near_odd, m5, out=y3)


class WinogradWeightGradient:
    """``dweight (3, KW, C, F)``: the gradient of the products, turned back into taps.

    The gradient of ``y = A.T @ (u * v)`` by ``u`` is ``v * (A @ dy)``, and ``dg = G.T @ du``.
    """

    def __init__(self, patches: Shifted, dy_rows: Array, dweight: Array, memory: Memory) -> None:
        frame, self.dweight, self.dy = patches.frame, dweight, dy_rows
        _, kernel_w, channels, filters = dweight.shape
        height, _, pixels = dy_rows.shape
        self.tops = range(0, height - ROWS + 1, ROWS)
        rest = slice(len(self.tops) * ROWS, height)
        self.rest: WeightGradient | None = None
        if len(dy_rows[rest]):
            self.rest = WeightGradient(patches.rows(rest), dy_rows[rest], dweight, memory)
        taps = (POINTS, channels, filters)
        points, spares, self.dm, self.sums, self.term = memory.scratches(
            (POINTS, *frame.shape[1:]),
            (2, *frame.shape[1:]),
            (POINTS, filters, pixels),
            (kernel_w, *taps),
            taps,
        )
        self.transform = InputTransform(frame, points, spares)
        self.columns = columns_of(points, pixels // frame.shape[3], kernel_w)
        self.turned = np.ascontiguousarray(G.T, dweight.dtype)
        self.back = self.term[:TAPS]

    def run(self) -> None:
        """Compute ``dweight``."""
        if self.rest is not None:  # first: its workspace may be the same
            self.rest.run()
        for top in self.tops:
            self.transform.load(top)
            self._spread(self.dy[top : top + ROWS])
            dm = self.dm.transpose(0, 2, 1)  # (6, OW*N, F)
            for column, total in zip(self.columns, self.sums, strict=True):
                np.matmul(column, dm, out=self.term if top else total)
                if top:
                    np.add(total, self.term, out=total)
        for kw, total in enumerate(self.sums):
            back = self.back.reshape(TAPS, -1)
            np.matmul(self.turned, total.reshape(POINTS, -1), out=back)
            if self.rest is None:
                np.copyto(self.dweight[:, kw], self.back)
            else:
                np.add(self.dweight[:, kw], self.back, out=self.dweight[:, kw])

    def _spread(self, rows: Array) -> None:
        """``A @ dy``: the gradients of the six products from those of four rows."""
        d0, d1, d2, d3 = rows
        m0, m1, m2, m3, m4, m5 = self.dm
        np.copyto(m0, d0)
        np.copyto(m5, d3)
        np.add(d0, d2, out=m1)
        np.add(d1, d3, out=m4)
        np.subtract(m1, m4, out=m2)
        np.add(m1, m4, out=m1)
        # m5 holds the last row; the sums of the far points are made in m3 and m4.
        np.multiply(d2, 4, out=m3)
        np.add(m3, d0, out=m3)
        np.multiply(d3, 4, out=m4)
        np.add(m4, d1, out=m4)
        np.add(m4, m4, out=m4)
        np.add(m3, m4, out=m3)
        np.add(m4, m4, out=m4)
        np.subtract(m3, m4, out=m4)
