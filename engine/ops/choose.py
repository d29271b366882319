"""The choice among the ways to convolve, which :mod:`cnn_tui.engine.ops` lists."""

from __future__ import annotations

from cnn_tui.engine.ops.conv import ConvKernel
from cnn_tui.engine.ops.gathered import GatheredConvKernel
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.ops.winograd import gains

SHORT_ROW = 256
"""Values in an output row, below which the filter bank is the larger part (measured)."""
LARGE_BANK = 1 << 20
"""Bytes of a filter bank that outgrows the cache."""


def choose_conv_kernel(
    weight: Array, geometry: Geometry, images: int, groups: int = 1
) -> type[ConvKernel] | type[GatheredConvKernel]:
    """The kernel for a filter bank ``(KH, KW, C, F)`` of one group and ``images`` in a shard.

    :class:`ConvKernel` itself takes Winograd's filtering where rows lie in one piece, shifted views
    of the input where it has enough channels, and copied patches otherwise.
    """
    if groups == 1 and gains(geometry, weight):
        return ConvKernel
    has_short_rows = geometry.output[1] * images < SHORT_ROW
    return GatheredConvKernel if has_short_rows and weight.nbytes > LARGE_BANK else ConvKernel
