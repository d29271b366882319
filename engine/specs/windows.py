"""Convolutions and pools: shape rule, diagnostics and explanation.

CS231n notes, Convolutional Networks: "Conv Layer" (sizes, parameter sharing), "Pooling Layer".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from cnn_tui.engine.shapes import (
    Shape,
    Window,
    adaptive_window,
    ceil_size,
    conv_macs,
    conv_weights,
    decimal,
    exact_size,
    fc_weights,
    format_shape,
    formula,
    output_size,
    remainder,
    same_padding,
)
from cnn_tui.engine.specs.flow import (
    Diagnostic,
    FeatureMap,
    InferredLayer,
    Note,
    failed,
    weight_lines,
)
from cnn_tui.engine.specs.layers import AvgPool, Conv, DWConv, Layer, MaxPool, pair
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool

AnyConv = Conv | DWConv
Windowed = AnyConv | MaxPool | AvgPool
RULE = "(W - F + 2P)/S + 1"
"""The output size along one axis."""
Axes = Sequence[tuple[int, Window]]
"""The size of the input and the window along each axis, height and width."""
_AXES = ("height", "width")


# Windows, shapes and counts.


def windows(layer: Windowed) -> tuple[Window, Window]:
    """Return the windows along height and width.

    Raises:
        ValueError: for padding ``same`` with a kernel of even span.
    """
    kernel = pair(layer.kernel_size)
    stride = kernel if layer.stride is None else pair(layer.stride)
    dilation = pair(layer.dilation) if isinstance(layer, AnyConv) else (1, 1)
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


def infer_conv(layer: Conv, flow: FeatureMap) -> InferredLayer:
    """Infer the output, parameters and multiply-adds of a convolution."""
    channels = flow.shape[0] if flow.shape else None
    faults = (*_same_even(layer), *_groups(layer, channels))
    if faults or flow.shape is None:
        return failed(layer, flow, *faults)
    weights = conv_weights(flow.shape[0], layer.out_channels, pair(layer.kernel_size), layer.groups)
    step = _slide(layer, flow, layer.out_channels)
    biases = layer.out_channels if layer.bias else 0
    macs = conv_macs(weights, *step.after.shape[1:]) if step.after.shape else 0
    return step._replace(weights=weights, biases=biases, macs=macs)


def as_conv(layer: DWConv, channels: int) -> Conv:
    """Return a depthwise convolution on this many channels as a grouped one."""
    return Conv(
        out_channels=channels * layer.multiplier,
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=channels,
        bias=layer.bias,
        rounding=layer.rounding,
        name=layer.name,
    )


def infer_dwconv(layer: DWConv, flow: FeatureMap) -> InferredLayer:
    """Infer a depthwise convolution as a grouped one."""
    if flow.shape is None:
        return failed(layer, flow, *_same_even(layer))
    step = infer_conv(as_conv(layer, flow.shape[0]), flow)
    return step._replace(layer=layer)


def infer_pool(layer: MaxPool | AvgPool, flow: FeatureMap) -> InferredLayer:
    """Infer the output of a pool."""
    faults = tuple(_pool_padding(layer))
    if faults or flow.shape is None:
        return failed(layer, flow, *faults)
    return _slide(layer, flow, flow.shape[0])


def positions(layer: Windowed, size: int, window: Window) -> int:
    """Return the number of window positions along one axis, by the rounding of the layer."""
    return (ceil_size if layer.rounding == "ceil" else output_size)(size, window)


def _slide(layer: Windowed, flow: FeatureMap, channels: int) -> InferredLayer:
    assert flow.shape is not None
    _, height, width = flow.shape
    down, across = windows(layer)
    if faults := tuple(_placement(layer, ((height, down), (width, across)))):
        return failed(layer, flow, *faults)
    shape = (channels, positions(layer, height, down), positions(layer, width, across))
    after = FeatureMap(shape, False, flow.height.through(down), flow.width.through(across))
    return InferredLayer(layer, flow, after)


def infer_adaptive(layer: AdaptiveAvgPool, flow: FeatureMap) -> InferredLayer:
    """Infer an average pool to a given size; its field is that of the widest of its windows."""
    if flow.shape is None:
        return failed(layer, flow)
    channels, *size = flow.shape
    output = pair(layer.output_size)
    down, across = map(adaptive_window, size, output)
    after = FeatureMap(
        (channels, *output), False, flow.height.through(down), flow.width.through(across)
    )
    return InferredLayer(layer, flow, after)


# Faults.


def _same_even(layer: AnyConv) -> Iterator[Diagnostic]:
    """Padding ``same`` with a window of even span."""
    if layer.padding != "same":
        return
    for kernel, dilation in zip(pair(layer.kernel_size), pair(layer.dilation), strict=True):
        span = Window(kernel, dilation=dilation).span
        if span % 2 == 0:
            text = f'padding "same" needs a window of odd size, {span} is even: one side would '
            yield Diagnostic("same-even", f"{text}need more padding than the other", "padding")
            return


def _groups(layer: Conv, channels: int | None) -> Iterator[Diagnostic]:
    """Groups that do not divide the channels evenly; ``channels`` may be unknown."""
    for name, count in (("input", channels), ("output", layer.out_channels)):
        if count is not None and count % layer.groups:
            text = f"{layer.groups} groups do not divide the {count} {name} channels evenly"
            yield Diagnostic("groups", text, "groups")
            return


def _pool_padding(layer: MaxPool | AvgPool) -> Iterator[Diagnostic]:
    """A pool with windows that hold nothing but padding."""
    for kernel, padding in zip(pair(layer.kernel_size), pair(layer.padding), strict=True):
        if padding >= kernel:
            text = f"padding {padding} is not smaller than the kernel of {kernel}: a window could "
            yield Diagnostic("pool-padding", f"{text}hold nothing but padding", "padding")
            return


def _placement(layer: Windowed, axes: Axes) -> Iterator[Diagnostic]:
    """A window larger than its padded input, or one that does not tile it."""
    height, width = axes
    if min(positions(layer, *height), positions(layer, *width)) < 1:
        yield Diagnostic("kernel-too-large", _too_large(axes), "kernel_size")
    elif layer.rounding == "exact" and (remainder(*height) or remainder(*width)):
        yield Diagnostic("fraction", _fraction(axes), "stride")


def _too_large(axes: Axes) -> str:
    size = format_shape(tuple(extent for extent, _ in axes))
    padded = format_shape(tuple(extent + 2 * window.padding for extent, window in axes))
    padding = "" if padded == size else f" padded to {padded}"
    numbers = _numbers(axes, [output_size(*axis) < 1 for axis in axes])
    return f"{_window(axes)} is larger than its input of {size}{padding}: {numbers}"


def _fraction(axes: Axes) -> str:
    size = format_shape(tuple(extent for extent, _ in axes))
    down, across = (window.stride for _, window in axes)
    stride = down if down == across else f"{down}x{across}"
    numbers = _numbers(axes, [remainder(*axis) != 0 for axis in axes])
    window = f"{_window(axes)} with stride {stride}"
    return f"{window} does not tile an input of {size}: {numbers}, not a whole number"


def _window(axes: Axes) -> str:
    kernel = format_shape(tuple(window.kernel for _, window in axes))
    span = format_shape(tuple(window.span for _, window in axes))
    return f"a window of {kernel}" + ("" if span == kernel else f" (spread to {span} by dilation)")


def _numbers(axes: Axes, bad: Sequence[bool]) -> str:
    if axes[0] == axes[1]:
        return formula(*axes[0])
    shown = zip(_AXES, axes, bad, strict=True)
    return " and ".join(f"in {name} {formula(*axis)}" for name, axis, is_bad in shown if is_bad)


# Explanations.


def explain_conv(layer: Conv, step: InferredLayer) -> Iterator[Note]:
    """Yield size, parameters and their sharing, receptive field and cost of a convolution."""
    yield from _window_notes(layer, step)
    if not step.weights or step.before.shape is None:
        return
    height, width = pair(layer.kernel_size)
    depth = step.before.shape[0] // layer.groups
    filters = f"{layer.out_channels} filters of {height}x{width}x{depth}"
    product = f"{height}*{width}*{depth}*{layer.out_channels}"
    yield Note("parameters", (filters, *weight_lines(step, product)))
    if step.after.shape is not None:
        _, height, width = step.after.shape
        yield Note("sharing", tuple(_sharing(layer, step, step.before.shape, step.after.shape)))
        cost = f"{step.weights}*{height}*{width} = {step.macs:,} multiply-adds"
        yield Note("cost", (cost,))


def explain_dwconv(layer: DWConv, step: InferredLayer) -> Iterator[Note]:
    """Yield the notes of the grouped convolution that a depthwise one is."""
    channels = step.before.shape[0] if step.before.shape else 1
    yield from explain_conv(as_conv(layer, channels), step)


def _sharing(layer: Conv, step: InferredLayer, before: Shape, after: Shape) -> Iterator[str]:
    """Parameters if positions did not share weights, and of a fully connected layer."""
    _, height, width = after
    biases = prod(after) if layer.bias else 0
    unshared = step.weights * height * width + biases
    connected = fc_weights(prod(before), prod(after)) + biases
    yield f"shared by {height}*{width} = {height * width:,} pixels"
    yield f"not shared: {unshared:,}"
    yield f"as an fc layer: {connected:,}"


def explain_maxpool(layer: MaxPool, step: InferredLayer) -> Iterator[Note]:
    """Yield size and receptive field of a max pool, and the share of values that it drops."""
    yield from _window_notes(layer, step)
    before, after = step.before.shape, step.after.shape
    if before is None or after is None:
        return
    why = "no parameters: the largest value of each window"
    yield Note("parameters", (why,))
    kept, total = prod(after[1:]), prod(before[1:])
    dropped = (
        f"keeps {kept:,} of {total:,} values per channel",
        f"drops {100 * (1 - kept / total):.3g}% of the activations",
    )
    lines = ("gradients go to the largest only",)
    yield Note("pooling", (*dropped, *lines) if kept < total else lines)


def explain_adaptive(layer: AdaptiveAvgPool, step: InferredLayer) -> Iterator[Note]:
    """Yield the windows of an average pool to a given size."""
    if step.before.shape is None or step.after.shape is None:
        return
    windows = map(adaptive_window, step.before.shape[1:], step.after.shape[1:])
    kernel = format_shape(window.kernel for window in windows)
    yield Note("size", (f"any size becomes {format_shape(step.after.shape[1:])}",))
    yield Note("parameters", (f"no parameters: means of windows up to {kernel}",))
    yield Note("field", (f"field: {step.after.longer_reach} pixels",))


def explain_avgpool(layer: AvgPool, step: InferredLayer) -> Iterator[Note]:
    """Yield size and receptive field of an average pool."""
    yield from _window_notes(layer, step)
    if step.after.shape is not None:
        edge = () if layer.count_include_pad else ("padding does not count",)
        yield Note("parameters", ("no parameters: the mean of each window", *edge))


def _window_notes(layer: Windowed, step: InferredLayer) -> Iterator[Note]:
    """The output size by the formula of the notes, and the growth of the receptive field."""
    axes = axes_of(layer, step.before.shape)
    if axes is None:
        return
    down, across = axes
    sizes = (f"height {formula(*down)}", f"width  {formula(*across)}")
    yield Note("size", (RULE, formula(*down)) if down == across else sizes)
    if step.after.shape is not None:
        sides = ((step.before.height, down[1]), (step.before.width, across[1]))
        reach, window = max(sides, key=lambda side: side[0].through(side[1]).size)
        grown = reach.through(window)
        field = f"field: {reach.size} + ({window.span} - 1)*{reach.jump} = {grown.size} pixels"
        jump = f"step: {reach.jump}*{window.stride} = {grown.jump} pixels"
        yield Note("field", (field, jump) if window.stride > 1 else (field,))


def axes_of(layer: Windowed, received: Shape | None) -> Axes | None:
    """Return the sizes and windows along both axes; None if either is unknown."""
    if received is None or len(received) != 3:
        return None
    try:
        down, across = windows(layer)
    except ValueError:
        return None
    return (received[1], down), (received[2], across)


def wanted_output(layer: Layer, received: Shape | None) -> tuple[str, ...]:
    """Return the unrounded height and width after a window; empty for other layers."""
    axes = axes_of(layer, received) if isinstance(layer, Windowed) else None
    return tuple(decimal(exact_size(*axis)) for axis in axes or ())
