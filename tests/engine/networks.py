"""Random networks: any within the limits of single values, and small ones that often fit."""

from __future__ import annotations

from hypothesis import strategies as st

from cnn_tui.engine.specs.activations import ELU, GELU, PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
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
    StochasticDepth,
)
from cnn_tui.engine.specs.network import SVM, Network, Recipe, Softmax
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad

NAMES = st.from_regex(r"[A-Za-z0-9._-]{0,8}", fullmatch=True)
ROUNDINGS = st.sampled_from(["exact", "floor"])
BOOLEANS = st.booleans()
POOL_ROUNDINGS = st.sampled_from(["exact", "floor", "ceil"])
WITHOUT_SETTINGS = [kind for kind in LAYER_TYPES.values() if kind.__struct_fields__ == ("name",)]
SHORTCUTS = st.sampled_from(["identity", "projection", "zero-pad"])


def sizes(low: int, high: int) -> st.SearchStrategy[int | tuple[int, int]]:
    one = st.integers(low, high)
    return one | st.tuples(one, one)


def lists(inner: st.SearchStrategy[Layer]) -> st.SearchStrategy[tuple[Layer, ...]]:
    return st.lists(inner, max_size=3).map(tuple)


def layers(most: int, *, names: bool = True) -> st.SearchStrategy[Layer]:
    """Layers of every kind, their sizes up to ``most``."""
    name = {"name": NAMES} if names else {}
    size, count = sizes(1, most), st.integers(1, most)
    pad, pads = sizes(0, most // 2), st.integers(0, most // 2)
    constants = {key: st.floats(1e-9, 1e6) for key in ("alpha", "beta", "k")}
    pool = {"kernel_size": size, "stride": st.none() | size, "padding": pad}
    plain = st.one_of(
        st.builds(
            Conv,
            out_channels=count,
            kernel_size=size,
            stride=size,
            padding=pad | st.just("same"),
            dilation=size,
            groups=count,
            bias=st.booleans(),
            rounding=ROUNDINGS,
            **name,
        ),
        st.builds(
            DWConv,
            kernel_size=size,
            stride=size,
            padding=pad | st.just("same"),
            dilation=size,
            multiplier=count,
            bias=BOOLEANS,
            rounding=ROUNDINGS,
            **name,
        ),
        st.builds(MaxPool, rounding=POOL_ROUNDINGS, **pool, **name),
        st.builds(AvgPool, rounding=POOL_ROUNDINGS, count_include_pad=BOOLEANS, **pool, **name),
        st.builds(ChannelShuffle, groups=count, **name),
        st.builds(StochasticDepth, p=st.floats(0, 1, exclude_max=True), **name),
        st.builds(
            Pad,
            padding=pads | st.tuples(pads, pads, pads, pads),
            padding_mode=st.sampled_from(["zeros", "reflect", "replicate"]),
            **name,
        ),
        st.builds(GroupNorm, num_groups=count, eps=st.floats(1e-9, 1), **name),
        st.builds(LayerNorm, over=st.sampled_from(["volume", "channels"]), **name),
        st.builds(LayerScale, init_value=st.floats(-1e6, 1e6), **name),
        st.builds(AdaptiveAvgPool, output_size=size, **name),
        st.builds(GELU, approximate=st.sampled_from(["none", "tanh"]), **name),
        st.builds(ELU, alpha=st.floats(0, 1), **name),
        st.builds(PReLU, per_channel=BOOLEANS, init=st.floats(-1, 1), **name),
        st.builds(FC, out_features=count, bias=st.booleans(), **name),
        st.builds(LeakyReLU, negative_slope=st.floats(0, 1), **name),
        st.builds(Dropout, p=st.floats(0, 1, exclude_max=True), **name),
        st.builds(BatchNorm, eps=st.floats(1e-9, 1), momentum=st.floats(1e-9, 1), **name),
        st.builds(LRN, size=count, **constants, **name),
        *(st.builds(kind, **name) for kind in WITHOUT_SETTINGS),
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.builds(
                Residual,
                branch=lists(inner),
                shortcut=SHORTCUTS | lists(inner),
                stride=st.integers(1, min(most, 3)),
                **name,
            ),
            st.builds(
                Parallel,
                branches=st.lists(lists(inner), min_size=1, max_size=3).map(tuple),
                merge=st.sampled_from(["concat", "add", "multiply"]),
                split=st.booleans(),
                **name,
            ),
            st.builds(Repeat, layers=lists(inner), times=st.integers(1, 3), **name),
        ),
        max_leaves=6,
    )


LOSSES = st.builds(Softmax, label_smoothing=st.floats(0, 1, exclude_max=True)) | st.builds(
    SVM, delta=st.floats(1e-9, 1e6), squared=st.booleans()
)
TRAININGS = st.builds(
    Recipe,
    epochs=st.integers(1, 100_000),
    seed=st.integers(0, 2**53 - 1),
    lr=st.floats(1e-300, 1e6),
    betas=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
    clip_norm=st.none() | st.floats(1e-9, 1e6),
    optimizer=st.sampled_from(["sgd", "adamw"]),
    schedule=st.sampled_from(["constant", "one-cycle"]),
)
TEXTS = st.text(max_size=60)


def networks(most: int = 1024) -> st.SearchStrategy[Network]:
    """Networks whose single values are all in order; their layers hardly ever fit."""
    return st.builds(
        Network,
        name=NAMES,
        description=TEXTS,
        input=st.tuples(st.integers(1, most), st.integers(1, most), st.integers(1, most)),
        data=TEXTS,
        layers=st.lists(layers(most), max_size=6).map(tuple),
        loss=LOSSES,
        training=TRAININGS,
    )


_SMALL_CONVS = st.builds(
    Conv,
    out_channels=st.sampled_from([2, 3, 4]),
    kernel_size=st.sampled_from([1, 2, 3, 5]),
    stride=st.sampled_from([1, 1, 1, 2, 3]),
    padding=st.sampled_from([0, 1, "same"]),
    groups=st.sampled_from([1, 1, 1, 2]),
    rounding=ROUNDINGS,
)
_SMALL_POOLS = st.builds(
    MaxPool, kernel_size=st.sampled_from([2, 3]), stride=st.sampled_from([None, 2])
)
_SMALL = _SMALL_CONVS | _SMALL_POOLS | st.builds(ReLU) | st.builds(BatchNorm)
_BLOCKS = st.builds(
    Residual,
    branch=st.lists(_SMALL, min_size=1, max_size=3).map(tuple),
    shortcut=SHORTCUTS,
    stride=st.sampled_from([1, 1, 2]),
) | st.one_of(
    st.builds(
        Parallel,
        branches=st.lists(lists(_SMALL), min_size=1, max_size=3).map(tuple),
        merge=st.sampled_from(["concat", "add", "multiply"]),
        split=st.booleans(),
    ),
    st.builds(Repeat, layers=st.lists(_SMALL, min_size=1, max_size=2).map(tuple)),
)


@st.composite
def plausible_networks(draw: st.DrawFn) -> Network:
    """Small ConvNets of which about half have a fault or two."""
    size = draw(st.sampled_from([8, 13, 16, 28]))
    body = draw(st.lists(_SMALL | _BLOCKS, max_size=5))
    head = draw(st.sampled_from([(FC(out_features=10),), (GlobalAvgPool(), FC(out_features=10))]))
    return Network(input=(draw(st.sampled_from([1, 2, 3])), size, size), layers=(*body, *head))
