"""Convolution and its weight gradient as matrix products over rows of patches."""

from __future__ import annotations

import math

import numpy as np

from cnn_tui.engine.ops.kernel import as_rows, blocks_of
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Im2col, ShiftedViews

BLOCK_BYTES = 1 << 18
"""Bytes of output that are added up at a time, so that they stay in cache between terms."""
PARTIAL_BYTES = 1 << 20
"""Bytes of per-row weight gradients that are held before they are summed, to stay in cache."""


class Products:
    """The sum of the products of weight blocks with views of patches."""

    def __init__(
        self, blocks: list[Array], patches: Im2col | ShiftedViews, out: Array, arena: Arena
    ) -> None:
        self.patches = patches
        rows = as_rows(out)
        height, *row = rows.shape
        block_rows = max(1, min(height, BLOCK_BYTES // (math.prod(row) * out.itemsize)))
        terms = arena.scratch((block_rows, *row)) if len(blocks) > 1 else rows[:0]
        pairs = list(zip(blocks, patches.views, strict=True))
        self.parts = [
            (rows[part], terms[: len(rows[part])], [(block, view[part]) for block, view in pairs])
            for part in blocks_of(height, block_rows)
        ]
        patches.release(arena)

    def run(self) -> None:
        """Compute ``out``."""
        self.patches.fill()
        for out, term, ((block, view), *rest) in self.parts:
            np.matmul(block, view, out=out)
            for block, view in rest:
                np.matmul(block, view, out=term)
                np.add(out, term, out=out)


class WeightGradient:
    """``dweight (KH, KW, C, F)`` from patches and ``dy``, in blocks of rows."""

    def __init__(
        self, patches: Im2col | ShiftedViews, dy_rows: Array, dweight: Array, arena: Arena
    ) -> None:
        self.patches = patches
        self.dy = dy_rows.transpose(0, 2, 1)  # (OH, OW*N, F)
        kernel_h, kernel_w, channels, filters = dweight.shape
        if len(patches.views) == kernel_w:
            targets = list(dweight.transpose(1, 0, 2, 3))
            shape: tuple[int, ...] = (kernel_h, channels, filters)
        else:
            targets, shape = [dweight], dweight.shape
        self.targets = list(zip(patches.views, targets, strict=True))
        height, rows, _ = patches.views[0].shape
        block_rows = max(1, min(height, PARTIAL_BYTES // (rows * filters * dweight.itemsize)))
        self.products = arena.scratch((block_rows, rows, filters))
        self.partial = self.products.reshape(block_rows, *shape)
        patches.release(arena)
        self.blocks = blocks_of(height, block_rows)

    def run(self) -> None:
        """Compute ``dweight``."""
        self.patches.fill()
        for view, target in self.targets:
            for number, rows in enumerate(self.blocks):
                count = rows.stop - rows.start
                np.matmul(view[rows], self.dy[rows], out=self.products[:count])
                if number == 0:
                    np.add.reduce(self.partial[:count], axis=0, out=target)
                else:
                    np.add(target, np.add.reduce(self.partial[:count], axis=0), out=target)
