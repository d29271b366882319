"""The pools: over windows, over the whole volume, and to a given size.

A new one is a class here, its name in ``Pooling``, and a row each in
:mod:`cnn_tui.engine.specs.infer` and :mod:`cnn_tui.engine.layers.lower`.
"""

from __future__ import annotations

from typing import Literal

from cnn_tui.engine.specs.info import Counterpart, Flag, LayerInfo, LayerSpec, Setting
from cnn_tui.engine.specs.sizes import KERNEL, PADDING, ROUNDING, STRIDE, Pad, PadPair, Pair, Size

PoolRounding = Literal["exact", "floor", "ceil"]
"""``ceil`` adds a last window that begins inside of the input or the padding before it."""
NO_PAD = Flag("count_include_pad", False, ("inside", "exclude-pad"))


class MaxPool(LayerSpec, frozen=True, tag="maxpool"):
    """Largest value of each window, per channel; no parameters. Notes, Pooling Layer."""

    info = LayerInfo(
        ("maxpool", "pool", "m", "max", "mp", "maxpool2d"),
        "max pooling: KERNEL, STRIDE",
        "the strongest response of each window; halves the size",
        Counterpart("MaxPool2d"),
        Counterpart("MaxPool"),
        needs_volume=True,
        example="maxpool 3x3 s2",
        places=("kernel_size", "stride"),
        settings=(KERNEL, STRIDE, PADDING),
        flags=(*ROUNDING, Flag("rounding", "ceil", ("ceil",))),
        family="pool",
    )

    kernel_size: Size | Pair = 2
    stride: Size | Pair | None = None
    """Defaults to the kernel size."""
    padding: Pad | PadPair = 0
    rounding: PoolRounding = "exact"


class AvgPool(LayerSpec, frozen=True, tag="avgpool"):
    """Mean of each window, per channel; no parameters.

    Padding counts as zeros, or not at all without ``count_include_pad``. What lies beyond the
    padding, where sizes are rounded up, never counts, as in PyTorch.
    """

    info = LayerInfo(
        ("avgpool", "avg", "avgpool2d"),
        "average pooling: KERNEL, STRIDE",
        "the mean of each window",
        Counterpart("AvgPool2d"),
        Counterpart("AveragePool"),
        needs_volume=True,
        example="avgpool 2",
        places=("kernel_size", "stride"),
        settings=(KERNEL, STRIDE, PADDING),
        flags=(*ROUNDING, Flag("rounding", "ceil", ("ceil",)), NO_PAD),
        family="pool",
    )

    kernel_size: Size | Pair = 2
    stride: Size | Pair | None = None
    padding: Pad | PadPair = 0
    rounding: PoolRounding = "exact"
    count_include_pad: bool = True


class GlobalAvgPool(LayerSpec, frozen=True, tag="global_avgpool"):
    """Mean over height and width: ``C x H x W`` becomes ``C x 1 x 1``."""

    info = LayerInfo(
        ("global_avgpool", "gap", "globalavgpool"),
        "global average pooling",
        "one mean per channel: any size becomes 1x1",
        Counterpart("AdaptiveAvgPool2d"),
        Counterpart("GlobalAveragePool"),
        needs_volume=True,
        family="pool",
    )


class GlobalMaxPool(LayerSpec, frozen=True, tag="global_maxpool"):
    """Largest value over height and width: ``C x H x W`` becomes ``C x 1 x 1``."""

    info = LayerInfo(
        ("global_maxpool", "gmp", "globalmaxpool"),
        "global max pooling",
        "one maximum per channel: any size becomes 1x1",
        Counterpart("AdaptiveMaxPool2d"),
        Counterpart("GlobalMaxPool"),
        needs_volume=True,
        family="pool",
    )


class AdaptiveAvgPool(LayerSpec, frozen=True, tag="adaptive_avgpool"):
    """Mean of windows that are as equal as possible: any size becomes ``output_size``.

    Window number i of n begins at pixel ``floor(i*size/n)`` and ends before
    ``ceil((i + 1)*size/n)``, as in PyTorch; neighbours may share pixels.
    """

    info = LayerInfo(
        ("adaptive_avgpool", "aap", "adaptiveavgpool", "adaptiveavgpool2d"),
        "average pooling to a size: SIZE",
        "the mean of windows that fit: any size becomes this",
        Counterpart("AdaptiveAvgPool2d"),
        Counterpart("MatMul"),
        needs_volume=True,
        example="adaptive_avgpool 7x7",
        places=("output_size",),
        settings=(Setting("output_size", ("size", "output_size"), usual=("1x1", "7x7")),),
        brief="to {0.sides}",
        family="pool",
    )

    output_size: Size | Pair = 1

    @property
    def sides(self) -> str:
        """Height and width as text."""
        size = self.output_size
        return f"{size}x{size}" if isinstance(size, int) else f"{size[0]}x{size[1]}"


Pooling = MaxPool | AvgPool | GlobalAvgPool | GlobalMaxPool | AdaptiveAvgPool
