"""The depthwise convolution, which follows the number of channels that it receives."""

from __future__ import annotations

from typing import Literal

from cnn_tui.engine.specs.info import Counterpart, Flag, LayerInfo, LayerSpec, Setting
from cnn_tui.engine.specs.sizes import (
    KERNEL,
    NO_BIAS,
    PADDING,
    ROUNDING,
    STRIDE,
    Features,
    Pad,
    PadPair,
    Pair,
    Rounding,
    Size,
)


class DWConv(LayerSpec, frozen=True, tag="dwconv"):
    """A convolution with ``multiplier`` filters for each channel (Howard et al. 2017).

    The same as a ``conv`` with as many groups as it receives channels; weight ``(F, 1, KH, KW)``.
    """

    info = LayerInfo(
        ("dwconv", "depthwise"),
        "depthwise convolution: KERNEL",
        "filters for each channel alone, as in MobileNet",
        Counterpart("Conv2d"),
        Counterpart("Conv"),
        needs_volume=True,
        example="dwconv 3x3 pad same",
        places=("kernel_size",),
        settings=(
            KERNEL,
            STRIDE,
            PADDING._replace(usual=("same", "1", "2")),
            Setting("dilation", ("dilation",), "d", ("2",)),
            Setting("multiplier", ("multiplier",), "m", ("2",)),
        ),
        flags=(Flag("padding", "same", ("same",)), NO_BIAS, *ROUNDING),
        family="conv",
    )

    kernel_size: Size | Pair = 3
    stride: Size | Pair = 1
    padding: Pad | PadPair | Literal["same"] = 0
    dilation: Size | Pair = 1
    multiplier: Features = 1
    bias: bool = True
    rounding: Rounding = "exact"
