"""Shape rules against PyTorch's own on its meta device, where shapes are computed and no values."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs import activations
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
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
    MaxPool,
    Parallel,
    Repeat,
    Residual,
    StochasticDepth,
    layer_type,
    pair,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed; pip install -e ".[test,peer]" brings it'
)
nn = torch.nn

WITHOUT = {Residual, Parallel, Repeat, StochasticDepth, LayerScale}
"""Blocks, and layers that are no class of ``torch.nn``."""
OURS_ALONE = {"fraction", "same-even", "pool-padding", "needs-volume"}
"""Refused here where PyTorch rounds down, pads one side more, sets a bound of its own, or takes a
flat batch (N, D) for something else."""


def _conv(layer: Conv, shape: Shape) -> Any:
    # A padding of "same" is written out: PyTorch has it for a stride of 1 only.
    padding = layer.padding
    if padding == "same":
        spans = zip(pair(layer.kernel_size), pair(layer.dilation), strict=True)
        padding = tuple(dilation * (kernel - 1) // 2 for kernel, dilation in spans)
    sizes = (layer.kernel_size, layer.stride, padding, layer.dilation)
    return nn.Conv2d(shape[0], layer.out_channels, *sizes, layer.groups, layer.bias)


def _dwconv(layer: DWConv, shape: Shape) -> Any:
    sizes = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    return nn.Conv2d(shape[0], shape[0] * layer.multiplier, *sizes, shape[0], layer.bias)


def _pool(kind: str) -> Callable[[MaxPool | AvgPool, Shape], Any]:
    def make(layer: MaxPool | AvgPool, shape: Shape) -> Any:
        sizes = (layer.kernel_size, layer.stride, layer.padding)
        return getattr(nn, kind)(*sizes, ceil_mode=layer.rounding == "ceil")

    return make


def _pad(layer: Pad, shape: Shape) -> Any:
    kinds = {"zeros": "ZeroPad2d", "reflect": "ReflectionPad2d", "replicate": "ReplicationPad2d"}
    return getattr(nn, kinds[layer.padding_mode])(layer.padding)


def _fc(layer: FC, shape: Shape) -> Any:
    return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), layer.out_features, layer.bias))


def _layernorm(layer: LayerNorm, shape: Shape) -> Any:
    # Over the channels it is LayerNorm on (N, H, W, C), whose shape does not matter here.
    return nn.LayerNorm(shape) if layer.over == "volume" else nn.GroupNorm(1, shape[0])


def _batchnorm(layer: BatchNorm, shape: Shape) -> Any:
    return (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(shape[0])


THEIRS: dict[type, Callable[[Any, Shape], Any]] = {
    Conv: _conv,
    DWConv: _dwconv,
    MaxPool: _pool("MaxPool2d"),
    AvgPool: _pool("AvgPool2d"),
    AdaptiveAvgPool: lambda layer, shape: nn.AdaptiveAvgPool2d(layer.output_size),
    GlobalAvgPool: lambda layer, shape: nn.AdaptiveAvgPool2d(1),
    GlobalMaxPool: lambda layer, shape: nn.AdaptiveMaxPool2d(1),
    FC: _fc,
    BatchNorm: _batchnorm,
    GroupNorm: lambda layer, shape: nn.GroupNorm(layer.num_groups, shape[0]),
    LayerNorm: _layernorm,
    LRN: lambda layer, shape: nn.LocalResponseNorm(layer.size),
    Pad: _pad,
    ChannelShuffle: lambda layer, shape: nn.ChannelShuffle(layer.groups),
    Dropout: lambda layer, shape: nn.Dropout(layer.p),
    activations.PReLU: lambda layer, shape: nn.PReLU(shape[0] if layer.per_channel else 1),
} | {
    kind: lambda layer, shape: getattr(nn, layer.info.torch.name)()
    for kind in LAYER_TYPES.values()
    if kind.__module__ == activations.__name__ and kind is not activations.PReLU
}

side = st.integers(1, 6)
sizes = side | st.tuples(side, side)
pad = st.integers(0, 4)
pads = pad | st.tuples(pad, pad)
SHAPES = st.tuples(st.integers(1, 8), st.integers(1, 14), st.integers(1, 14))
OTHERS = sorted(THEIRS.keys() - {Conv, DWConv, MaxPool, AvgPool, FC, Pad}, key=layer_type)
WINDOW = {"kernel_size": sizes, "stride": sizes}
DRAWN: dict[type, dict[str, st.SearchStrategy[Any]]] = {
    Conv: WINDOW
    | {
        "out_channels": st.integers(1, 8),
        "padding": pads | st.just("same"),
        "dilation": st.integers(1, 3) | st.tuples(side, side),
        "groups": st.sampled_from([1, 1, 1, 2, 3]),
        "bias": st.booleans(),
        "rounding": st.sampled_from(["exact", "floor", "floor"]),
    },
    DWConv: WINDOW | {"padding": pads, "multiplier": st.integers(1, 3), "bias": st.booleans()},
    MaxPool: WINDOW | {"padding": pads, "rounding": st.sampled_from(["exact", "floor", "ceil"])},
    AvgPool: {
        "kernel_size": sizes,
        "stride": st.none() | sizes,
        "padding": pads,
        "rounding": st.sampled_from(["floor", "ceil"]),
    },
    AdaptiveAvgPool: {"output_size": sizes},
    FC: {"out_features": st.integers(1, 30), "bias": st.booleans()},
    GroupNorm: {"num_groups": st.integers(1, 4)},
    LayerNorm: {"over": st.sampled_from(["volume", "channels"])},
    Pad: {
        "padding": pad | st.tuples(pad, pad, pad, pad),
        "padding_mode": st.sampled_from(["zeros", "reflect", "replicate"]),
    },
    ChannelShuffle: {"groups": st.integers(1, 4)},
    activations.PReLU: {"per_channel": st.booleans()},
}
LAYERS = {kind: st.builds(kind, **DRAWN.get(kind, {})) for kind in THEIRS}


def test_every_layer_has_a_counterpart_or_is_named_as_without() -> None:
    assert THEIRS.keys() | WITHOUT == set(LAYER_TYPES.values())
    assert not THEIRS.keys() & WITHOUT


def theirs(layer: Layer, shape: Shape) -> tuple[Shape, int]:
    """Output and parameters of PyTorch's layer.

    Raises:
        RuntimeError, ValueError: if PyTorch refuses it.
    """
    with torch.device("meta"):
        module = THEIRS[type(layer)](layer, shape).eval()
        output = module(torch.empty(2, *shape))
    return tuple(output.shape[1:]), sum(tensor.numel() for tensor in module.parameters())


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: layer_type(kind))
@settings(max_examples=60)
@given(data=st.data(), shape=SHAPES)
def test_one_layer(kind: type[Layer], data: st.DataObject, shape: Shape) -> None:
    agree(data.draw(LAYERS[kind]), shape)


@settings(max_examples=60)
@given(st.lists(st.one_of(*LAYERS.values()), min_size=2, max_size=8), SHAPES)
def test_one_layer_behind_another(chain: list[Layer], shape: Shape) -> None:
    """Those that are refused are left out; behind an fc layer the volume is flat."""
    for layer in chain:
        shape = agree(layer, shape) or shape


def agree(layer: Layer, shape: Shape) -> Shape | None:
    """Both give the same output and count, or both refuse; the output."""
    step = infer(layer, FeatureMap(shape, len(shape) == 1))
    codes = {fault.code for fault in step.faults}
    if codes & OURS_ALONE:
        return None
    try:
        output, count = theirs(layer, shape)
    except (RuntimeError, ValueError) as error:
        # The one bound that PyTorch has and this project has not.
        assert codes or "at most half" in str(error), (layer, shape, error)
        return None
    assert not codes, (layer, shape, codes, output)
    assert (step.after.shape, step.weights + step.biases) == (output, count), (layer, shape)
    return output


@settings(max_examples=60)
@given(LAYERS[Conv], SHAPES)
def test_where_a_window_does_not_tile_pytorch_rounds_down(layer: Conv, shape: Shape) -> None:
    """A refusal as "fraction" is about that alone: with rounding down both agree."""
    step = infer(layer, FeatureMap(shape))
    if {fault.code for fault in step.faults} == {"fraction"}:
        assert agree(structs.replace(layer, rounding="floor"), shape)
