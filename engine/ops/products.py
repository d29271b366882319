"""Convolution and its weight gradient as matrix products over rows of patches."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from cnn_tui.engine.ops.kernel import as_rows, blocks_of
from cnn_tui.engine.ops.memory import Arena, Array
from cnn_tui.engine.ops.patches import Geometry, find_patches

BLOCK_BYTES = 1 << 20
"""Bytes of output that are added up at a time, so that they stay in cache between terms."""
PARTIAL_BYTES = 1 << 20
"""Bytes of per-row weight gradients that are held before they are summed, to stay in cache."""


class Products:
    """The sum of the products of weight blocks with views of patches."""

    def __init__(
        self,
        blocks: Callable[[int], list[Array]],
        x: Array,
        geometry: Geometry,
        out: Array,
        arena: Arena,
    ) -> None:
        rows = as_rows(out)
        height, *row = rows.shape
        block_rows = max(1, min(height, BLOCK_BYTES // (math.prod(row) * out.itemsize)))
        patches = find_patches(x, geometry, arena)
        views = len(patches[0][1].views)
        terms = arena.scratch((block_rows, *row)) if views > 1 else rows[:0]
        self.parts = [
            (seen.fill, self._sums(blocks(views), seen.views, rows[part], terms, block_rows))
            for part, seen in patches
        ]
        patches[0][1].release(arena)

    @staticmethod
    def _sums(
        blocks: list[Array], views: list[Array], rows: Array, terms: Array, block_rows: int
    ) -> list[tuple[Array, Array, list[tuple[Array, Array]]]]:
        """The sum, scratch for a term, and the factors of each, for blocks of rows."""
        pairs = list(zip(blocks, views, strict=True))
        return [
            (rows[part], terms[: len(rows[part])], [(block, view[part]) for block, view in pairs])
            for part in blocks_of(len(rows), block_rows)
        ]

    def run(self) -> None:
        """Compute ``out``."""
        for fill, sums in self.parts:
            fill()
            for out, term, ((block, view), *rest) in sums:
                np.matmul(block, view, out=out)
                for block, view in rest:
                    np.matmul(block, view, out=term)
                    np.add(out, term, out=out)


class WeightGradient:
    """``dweight (KH, KW, C, F)`` from patches and ``dy``, in blocks of rows."""

    def __init__(
        self, x: Array, geometry: Geometry, dy_rows: Array, dweight: Array, arena: Arena
    ) -> None:
        dy = dy_rows.transpose(0, 2, 1)  # (OH, OW*N, F)
        kernel_h, kernel_w, channels, filters = dweight.shape
        patches = find_patches(x, geometry, arena)
        if len(patches[0][1].views) == kernel_w:
            targets = list(dweight.transpose(1, 0, 2, 3))
            shape: tuple[int, ...] = (kernel_h, channels, filters)
        else:
            targets, shape = [dweight], dweight.shape
        height, rows, _ = patches[0][1].views[0].shape
        block_rows = max(1, min(height, PARTIAL_BYTES // (rows * filters * dweight.itemsize)))
        products = arena.scratch((block_rows, rows, filters))
        patches[0][1].release(arena)
        self.parts = []
        """The patches to fill, and their products: factors, result, terms and sum."""
        for part, seen in patches:
            sums = []
            for view, target in zip(seen.views, targets, strict=True):
                for block in blocks_of(len(view), block_rows):
                    result = products[: block.stop - block.start]
                    terms = result.reshape(len(result), *shape)
                    is_first = part.start == block.start == 0
                    sums.append((view[block], dy[part][block], result, terms, target, is_first))
            self.parts.append((seen.fill, sums))

    def run(self) -> None:
        """Compute ``dweight``."""
        for fill, sums in self.parts:
            fill()
            for view, dy, result, terms, target, is_first in sums:
                np.matmul(view, dy, out=result)
                if is_first:
                    np.add.reduce(terms, axis=0, out=target)
                else:
                    np.add(target, np.add.reduce(terms, axis=0), out=target)
