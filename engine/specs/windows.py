"""The sliding windows of a layer with every default resolved, and the layers of a projection."""

from __future__ import annotations

from cnn_tui.engine.shapes import Window, same_padding
from cnn_tui.engine.specs.layers import AvgPool, BatchNorm, Conv, Layer, MaxPool, pair

Windowed = Conv | MaxPool | AvgPool


def windows(layer: Windowed) -> tuple[Window, Window]:
    """The window along height and along width.

    Raises:
        ValueError: where padding ``same`` meets a kernel of even span.
    """
    kernel = pair(layer.kernel_size)
    stride = kernel if layer.stride is None else pair(layer.stride)
    dilation = pair(layer.dilation) if isinstance(layer, Conv) else (1, 1)
    padding = _padding(layer, kernel, dilation)
    return (
        Window(kernel[0], stride[0], padding[0], dilation[0]),
        Window(kernel[1], stride[1], padding[1], dilation[1]),
    )


def _padding(
    layer: Windowed, kernel: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int]:
    if layer.padding == "same":
        return same_padding(kernel[0], dilation[0]), same_padding(kernel[1], dilation[1])
    return pair(layer.padding)


def projection(out_channels: int, stride: int) -> tuple[Layer, ...]:
    """The shortcut of He et al. 2016, option B: a 1x1 convolution and a batch norm.

    It rounds down: of a row of odd length it reads every ``stride``-th pixel, the first included.
    """
    return (
        Conv(out_channels=out_channels, kernel_size=1, stride=stride, bias=False, rounding="floor"),
        BatchNorm(),
    )
