"""Random layers of every geometry, each with an input that it fits."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from cnn_tui.engine.specs.layers import AvgPool, Conv, Layer, MaxPool

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
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    size = draw(st.tuples(st.integers(kernel[0], 9), st.integers(kernel[1], 9)))
    odd = all(k % 2 for k in kernel)
    padding = draw(st.integers(0, 5) | (st.just("same") if odd else st.nothing()))
    layer = Conv(out_channels=draw(st.integers(1, 5)), kernel_size=kernel, padding=padding)
    return (draw(st.integers(1, 5)), *size), layer


@st.composite
def pools(draw: st.DrawFn) -> Case:
    """Overlapping, with gaps, with padding, with rows and columns that no window reads."""
    height, width = draw(axes(pads=0)), draw(axes(pads=0))
    for axis in (height, width):
        axis["padding"] = draw(st.integers(0, axis["kernel_size"] - 1))
    kind = draw(st.sampled_from([MaxPool, AvgPool]))
    layer = kind(rounding="floor", **both(height, width, "kernel_size", "stride", "padding"))
    return (draw(st.integers(1, 4)), height["size"], width["size"]), layer
