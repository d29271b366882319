"""Random layers of every geometry, each with an input that it fits, and random networks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec import structs

from cnn_tui.engine.specs.activations import (
    ELU,
    GELU,
    Hardsigmoid,
    Hardswish,
    PReLU,
    ReLU6,
    SiLU,
)
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    DWConv,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    Repeat,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad

Case = tuple[tuple[int, int, int], Layer]
BATCHES = st.integers(1, 9)
VOLUMES = st.tuples(st.integers(1, 7), st.integers(1, 6), st.integers(1, 6))


@st.composite
def axes(draw: st.DrawFn, *, kernels: int = 5, dilations: int = 1, pads: int = 4) -> dict[str, int]:
    """Size and window along one axis, with at least one place for the window."""
    kernel, stride = draw(st.integers(1, kernels)), draw(st.integers(1, 4))
    dilation, padding = draw(st.integers(1, dilations)), draw(st.integers(0, pads))
    span = dilation * (kernel - 1) + 1
    size = draw(st.integers(max(1, span - 2 * padding), max(1, span - 2 * padding) + 6))
    return {
        "size": size,
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
    }


def both(height: dict[str, int], width: dict[str, int], *names: str) -> dict[str, Any]:
    return {name: (height[name], width[name]) for name in names}


@st.composite
def convs(draw: st.DrawFn) -> Case:
    height, width = draw(axes(dilations=3)), draw(axes(dilations=3))
    groups = draw(st.integers(1, 3))
    layer = Conv(
        out_channels=groups * draw(st.integers(1, 3)),
        groups=groups,
        bias=draw(st.booleans()),
        rounding="floor",
        **both(height, width, "kernel_size", "stride", "padding", "dilation"),
    )
    return (groups * draw(st.integers(1, 3)), height["size"], width["size"]), layer


@st.composite
def dense_convs(draw: st.DrawFn) -> Case:
    """Stride 1, no dilation: the common kind, of all sizes and with padding of every kind."""
    many = draw(st.booleans())
    most = 6 if many else 9
    kernel = draw(st.tuples(st.integers(1, 6), st.integers(1, 4)))
    size = draw(st.tuples(st.integers(kernel[0], most), st.integers(kernel[1], most)))
    odd = all(k % 2 for k in kernel)
    padding = draw(st.integers(0, 2 if many else 5) | (st.just("same") if odd else st.nothing()))
    # From some width on an engine may well go another way.
    channels = st.integers(1, 5) | (st.integers(16, 18) if many else st.nothing())
    layer = Conv(out_channels=draw(channels), kernel_size=kernel, padding=padding)
    return (draw(channels), *size), layer


@st.composite
def pools(draw: st.DrawFn) -> Case:
    """Overlapping, with gaps, with padding, with rows and columns that no window reads."""
    height, width = draw(axes(pads=0)), draw(axes(pads=0))
    for axis in (height, width):
        axis["padding"] = draw(st.integers(0, axis["kernel_size"] - 1))
    kind = draw(st.sampled_from([MaxPool, AvgPool]))
    rounding = draw(st.sampled_from(["floor", "ceil"]))
    layer = kind(rounding=rounding, **both(height, width, "kernel_size", "stride", "padding"))
    if kind is AvgPool:
        layer = structs.replace(layer, count_include_pad=draw(st.booleans()))
    return (draw(st.integers(1, 4)), height["size"], width["size"]), layer


LARGE_BANKS: dict[str, Case] = {
    "same": ((130, 3, 3), Conv(out_channels=130, padding=1)),
    "unpadded": ((140, 4, 5), Conv(out_channels=120)),
    "strides": ((130, 5, 4), Conv(out_channels=130, stride=2, padding=1, rounding="floor")),
    "rectangular": ((120, 2, 4), Conv(out_channels=110, kernel_size=(2, 5), padding=(1, 2))),
    "dilated": ((130, 4, 3), Conv(out_channels=125, dilation=2, padding=2)),
    "groups": ((260, 3, 2), Conv(out_channels=260, padding=1, groups=2)),
    "1x1": ((400, 2, 2), Conv(out_channels=380, kernel_size=1)),
}
"""Over 2**17 weights each and few pixels, as in the late layers of deep networks."""

SMOOTH = (
    Sigmoid(),
    Tanh(),
    GELU(),
    GELU(approximate="none"),
    SiLU(),
    BatchNorm(eps=0.1),
    LRN(size=3, alpha=0.1),
    GlobalAvgPool(),
    AdaptiveAvgPool(output_size=(3, 2)),
    AdaptiveAvgPool(output_size=5),
    GroupNorm(num_groups=2, eps=0.1),
    LayerNorm(eps=0.1),
    LayerNorm(over="channels", eps=0.1),
    LayerScale(init_value=0.5),
    Pad(padding=(1, 0, 0, 1)),
    Pad(padding=1, padding_mode="reflect"),
    Pad(padding=(2, 1, 0, 3), padding_mode="replicate"),
    ChannelShuffle(groups=2),
)
KINKED = (
    DWConv(padding="same", multiplier=2),
    DWConv(kernel_size=3, stride=2, padding=1, rounding="floor"),
    ReLU(),
    ReLU(),
    LeakyReLU(),
    ReLU6(),
    ELU(),
    Hardswish(),
    Hardsigmoid(),
    PReLU(),
    PReLU(per_channel=True),
    GlobalMaxPool(),
    Dropout(p=0.0),
    BatchNorm(),
)
ENDING = FC(out_features=3)


class Choice:
    """Layers to draw from; ``widths`` are numbers of channels, ``smooth`` leaves kinks out."""

    def __init__(self, *, widths: tuple[int, ...], smooth: bool = False) -> None:
        small, pads = st.integers(1, 3), st.integers(0, 2)
        sizes = small | st.tuples(small, small)
        roundings = st.sampled_from(["exact", "floor"])
        conv = st.builds(
            Conv,
            out_channels=st.sampled_from(widths),
            kernel_size=sizes,
            stride=st.just(1) | sizes,
            padding=st.just("same") | pads | st.tuples(pads, pads),
            dilation=st.just(1) | sizes,
            groups=st.sampled_from([1, 1, 2, 3]),
            bias=st.booleans(),
            rounding=roundings,
        )
        simple_conv = st.builds(
            Conv, out_channels=st.sampled_from(widths), kernel_size=st.sampled_from([1, 3]),
            padding=st.just("same"), bias=st.booleans(),
        )  # fmt: skip
        stride = st.none() | sizes
        rounded = roundings | st.just("ceil")
        pool = st.one_of(
            st.builds(kind, kernel_size=sizes, stride=stride, padding=pads, rounding=rounded)
            for kind in ((AvgPool,) if smooth else (MaxPool, AvgPool))
        )
        plain = st.sampled_from(SMOOTH if smooth else SMOOTH + KINKED)
        fc = st.builds(FC, out_features=st.integers(1, 9), bias=st.booleans())
        block = st.builds(
            Residual,
            branch=st.lists(simple_conv | conv | plain, min_size=1, max_size=4).map(tuple),
            shortcut=st.sampled_from(["identity", "projection", "zero-pad"]),
            stride=st.sampled_from([1, 1, 2]),
        )
        volume = simple_conv | conv | pool | plain | block
        block = block | blocks(volume, simple_conv | plain)
        volume = volume | block
        self.layers = st.tuples(
            st.lists(volume, min_size=3, max_size=10), st.lists(fc | plain | block, max_size=3)
        ).map(lambda lists: lists[0] + lists[1])


def blocks(
    inner: st.SearchStrategy[Layer], kept: st.SearchStrategy[Layer]
) -> st.SearchStrategy[Layer]:
    """Blocks of every kind, nested; ``kept`` are layers that mostly leave height and width."""
    branch = st.lists(kept, max_size=3).map(tuple)

    def around(inside: st.SearchStrategy[Layer]) -> st.SearchStrategy[Layer]:
        filled = st.lists(inside | kept, min_size=1, max_size=3).map(tuple)
        squeeze = st.tuples(st.just(GlobalAvgPool()), kept).map(lambda end: ((), end))
        side = branch | filled
        return st.one_of(
            st.builds(
                Parallel,
                branches=st.lists(side, min_size=1, max_size=3).map(tuple),
                merge=st.sampled_from(["concat", "concat", "add", "multiply"]),
                split=st.booleans(),
            ),
            st.builds(Parallel, branches=squeeze, merge=st.just("multiply")),
            st.builds(Repeat, layers=filled, times=st.integers(1, 3)),
            st.builds(Residual, branch=filled, shortcut=branch),
        )

    return st.recursive(around(inner), around, max_leaves=4)


@st.composite
def networks(draw: st.DrawFn, choice: Choice) -> Network:
    """Layers drawn one by one, those kept that fit behind the others; then three scores."""
    side = st.integers(3, 11)
    shape = draw(st.tuples(st.integers(1, 4), side, side))
    kept: tuple[Layer, ...] = ()
    for layer in draw(choice.layers):
        if check(Network(input=shape, layers=(*kept, layer, ENDING))).valid:
            kept = (*kept, layer)
    return Network(input=shape, layers=(*kept, ENDING))
