"""Banded filter banks: which rows of a volume the rows of another are made of.

A tile of output rows is one product of a banded matrix, in which the taps of a filter stand once
for each row of the tile, with the rows under the tile. With one channel in a group a product of a
single row would be a vector times a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.ops.memory import Array, aligned_zeros
from cnn_tui.engine.ops.patches import Geometry, taps

TILE = 4
"""Rows of a tile where a group has one channel: more rows, more zeros in the band (measured)."""


@dataclass(frozen=True)
class Band:
    """Rows of ``target`` as sums of rows of ``source``, in tiles of ``tile`` rows.

    Row ``a`` of tile ``t`` is made of the rows ``t * step + r - lead`` of the source, where
    ``uses`` lists ``(a, r, kh)`` for each tap ``kh`` and ``0 <= r < reach``.
    """

    geometry: Geometry
    rotated: bool
    """Whether the target is the gradient of the input, the source that of the output."""
    tile: int
    step: int
    reach: int
    lead: int
    uses: tuple[tuple[int, int, int], ...]

    def columns(self, width: int, tap: int) -> tuple[slice, slice]:
        """The columns of the target that tap ``tap`` reaches, and those of the source.

        ``width`` is that of the input of the convolution.
        """
        outputs, inputs = taps(width, self.geometry, 1, tap)
        return (inputs, outputs) if self.rotated else (outputs, inputs)


def forward_band(geometry: Geometry, tile: int) -> Band:
    """The rows of the output as sums of rows of the input."""
    (kernel, _), (stride, _), (padding, _) = geometry.kernel, geometry.stride, geometry.padding
    uses = tuple(
        (row, row * stride + kh * geometry.dilation[0], kh)
        for row in range(tile)
        for kh in range(kernel)
    )
    return Band(geometry, False, tile, tile * stride, uses[-1][1] + 1, padding, uses)


def backward_band(geometry: Geometry, tile: int) -> Band:
    """The rows of the gradient of the input as sums of rows of ``dy``.

    The tile has a multiple of ``stride`` rows, so that every tile has the same band.
    """
    (kernel, _), (stride, _), (padding, _) = geometry.kernel, geometry.stride, geometry.padding
    tile = max(tile // stride, 1) * stride
    reads = [
        (row, (row + padding - kh * geometry.dilation[0]) // stride, kh)
        for row in range(tile)
        for kh in range(kernel)
        if (row + padding - kh * geometry.dilation[0]) % stride == 0
    ]
    first = min(read for _, read, _ in reads)
    uses = tuple((row, read - first, kh) for row, read, kh in reads)
    reach = max(read for _, read, _ in uses) + 1
    return Band(geometry, True, tile, tile // stride, reach, -first, uses)


class BandedWeights:
    """A filter bank ``weight (KH, KW, C/groups, F)`` as banded matrices; see :class:`Band`.

    Those of the forward pass are ``(groups, tile, F/groups, reach*KW*C/groups)``, in those of the
    gradient of the input F and C change places.
    """

    def __init__(self, weight: Array, groups: int) -> None:
        self.weight, self.groups = weight, groups
        self._forms: dict[bool, tuple[Array, Band]] = {}

    def refresh(self) -> None:
        """Update the matrices after the weight has changed."""
        for form, band in self._forms.values():
            for row, read, kh in band.uses:
                np.copyto(form[:, row, :, read], self.by_group(self.weight[kh], band))

    @property
    def form_bytes(self) -> int:
        """Bytes of the matrices."""
        return sum(form.nbytes for form, _ in self._forms.values())

    def by_group(self, taps: Array, band: Band) -> Array:
        """``(KW, C/groups, F)`` as ``(groups, targets, KW, sources)``, the channels of a group."""
        by_group = taps.reshape(
            *taps.shape[:2], self.groups, -1
        )  # (KW, C/groups, groups, F/groups)
        return by_group.transpose(2, 1, 0, 3) if band.rotated else by_group.transpose(2, 3, 0, 1)

    def matrices(self, band: Band) -> Array:
        """The matrices of a band, the same for every shard."""
        if band.rotated not in self._forms:
            groups, targets, *rest = self.by_group(self.weight[0], band).shape
            shape = (groups, band.tile, targets, band.reach, *rest)
            self._forms[band.rotated] = aligned_zeros(shape, self.weight.dtype), band
        form, _ = self._forms[band.rotated]
        return form.reshape(*form.shape[:3], -1)
