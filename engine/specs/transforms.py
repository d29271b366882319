"""Rewrites of one layer that the notes describe; none needs an array.

With trained weights, :mod:`cnn_tui.engine.transforms` carries them over and compares outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.shapes import Shape, Window, output_size
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    Conv,
    Layer,
    MaxPool,
    Place,
    ReLU,
    pair,
    walk_layers,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import known_shapes, label, layer_at
from cnn_tui.engine.specs.rewrite import Kind, Rewrite, rewrite
from cnn_tui.engine.specs.windows import windows


class MatrixFacts(msgspec.Struct, frozen=True):
    """The matrix that does what a convolution does, each count of entries."""

    rows: int
    """Outputs: one for each filter and place."""
    columns: int
    """Inputs: one for each pixel and channel."""
    connected: int
    """Entries that hold a weight, some weight many times."""
    free: int
    """Different weights among them: those of the convolution."""

    @property
    def entries(self) -> int:
        """All of them."""
        return self.rows * self.columns

    @property
    def zeros(self) -> int:
        """Entries that are zero whatever the weights are."""
        return self.entries - self.connected


def matrix_facts(layer: Conv, shape: Shape) -> MatrixFacts:
    """The matrix of a convolution that fits a volume of ``shape`` (C, H, W)."""
    channels, height, width = shape
    down, across = windows(layer)
    places = output_size(height, down) * output_size(width, across)
    per_channel = _taps_inside(height, down) * _taps_inside(width, across)
    filters = layer.out_channels * (channels // layer.groups)
    return MatrixFacts(
        rows=layer.out_channels * places,
        columns=channels * height * width,
        connected=filters * per_channel,
        free=filters * down.kernel * across.kernel,
    )


def _taps_inside(size: int, window: Window) -> int:
    """Pairs of a place and a pixel that its window reads, padding left out."""
    return sum(
        0 <= place * window.stride - window.padding + tap * window.dilation < size
        for place in range(output_size(size, window))
        for tap in range(window.kernel)
    )


def fc_to_conv(network: Network, place: Place) -> Rewrite:
    """An FC layer as a convolution whose window is its whole input: ``120`` as ``120 5x5``.

    The FC layers before it are rewritten, too: a convolution needs height and width. Whatever
    the network computes stays the same (CS231n notes, Converting FC layers to CONV layers).

    Raises:
        ShapeError: if the layer is no FC layer, or the network has issues.
    """
    if not isinstance(layer_at(network, place), FC):
        raise _wrong_kind(place, layer_at(network, place), "FC layer")
    changes: dict[Place, list[Layer]] = {}
    for found, layer in walk_layers(network.layers):
        if isinstance(layer, FC):
            shape, _ = known_shapes(network, found)
            changes[found] = [_whole_window(layer, shape)]
        if found == place:
            break
    return rewrite("fc-to-conv", network, changes, exact=True)


def _whole_window(layer: FC, shape: Shape) -> Conv:
    height, width = shape[1:] if len(shape) == 3 else (1, 1)
    kernel = height if height == width else (height, width)
    return Conv(
        out_channels=layer.out_features, kernel_size=kernel, bias=layer.bias, name=layer.name
    )


def conv_to_fc(network: Network, place: Place) -> Rewrite:
    """A convolution as an FC layer with a sparse matrix of shared weights.

    The network computes the same, though trained further the weights are shared no more.

    Raises:
        ShapeError: if the layer is no convolution, or one behind it needs height and width;
            :func:`alone` then shows the layer by itself.
    """
    layer = _conv_at(network, place)
    _, (filters, height, width) = known_shapes(network, place)
    fc = FC(out_features=filters * height * width, bias=layer.bias, name=layer.name)
    return rewrite("conv-to-fc", network, {place: [fc]}, exact=True)


def alone(network: Network, place: Place) -> Network:
    """A convolution in a network of its own, where it can become an FC layer in any case.

    Raises:
        ShapeError: if the layer is no convolution, or does not fit.
    """
    layer = _conv_at(network, place)
    (channels, height, width), _ = known_shapes(network, place)
    scores = FC(out_features=2)
    return Network(name="alone", input=(channels, height, width), layers=(layer, scores))


def kernel_to_stack(network: Network, place: Place) -> Rewrite:
    """A large kernel as 3x3 convolutions with a non-linearity between each two.

    The stack sees as much of its input and gives as large an output, but it is another function,
    to be trained anew (Simonyan & Zisserman 2015, section 2.3; CS231n notes, Layer Patterns).

    Raises:
        ShapeError: if the layer is no convolution with a square odd kernel of at least 5x5.
    """
    layer = _conv_at(network, place)
    height, width = pair(layer.kernel_size)
    if height != width or height % 2 == 0 or height < 5:
        text = f"{label(place, layer)}: a {height}x{width} kernel is not made of 3x3 kernels."
        raise ShapeError(text, "It takes a square one of 5x5, 7x7, 9x9 and so on.")
    between = _activation_behind(network, place)
    first, *others = _stack(layer, (height - 1) // 2)
    stack = [first, *(one for conv in others for one in (between, conv))]
    return rewrite("kernel-to-stack", network, {place: stack}, exact=False)


def _activation_behind(network: Network, place: Place) -> Layer:
    behind = dict(walk_layers(network.layers)).get((*place[:-1], place[-1] + 1))
    if behind is not None and behind.info.is_activation:
        return msgspec.structs.replace(behind, name="")
    return ReLU()


def _stack(layer: Conv, count: int) -> Iterator[Conv]:
    """The convolutions; the last alone has the stride, so that all see every pixel."""
    inner = msgspec.structs.replace(layer, kernel_size=3, stride=1, rounding="exact", name="")
    last = msgspec.structs.replace(layer, kernel_size=3)
    for number in range(count):
        conv = last if number == count - 1 else inner
        yield msgspec.structs.replace(conv, padding=_share(layer, number, count))


def _share(layer: Conv, number: int, count: int) -> int | tuple[int, ...] | Literal["same"]:
    """The padding of one convolution of a stack: together they have that of the layer."""
    if layer.padding == "same":
        return "same"
    high, wide = (
        size * (number + 1) // count - size * number // count for size in pair(layer.padding)
    )
    return high if high == wide else (high, wide)


def pool_to_conv(network: Network, place: Place) -> Rewrite:
    """A pool as a convolution with its stride, which learns how to shrink the volume.

    It begins as the mean of each window, which for average pooling is what was there (Springenberg
    et al. 2015; CS231n notes, Getting rid of pooling).

    Raises:
        ShapeError: if the layer is no pool, or the network has issues.
    """
    layer = layer_at(network, place)
    if not isinstance(layer, MaxPool | AvgPool):
        raise _wrong_kind(place, layer, "pool")
    (channels, *_), _ = known_shapes(network, place)
    conv = Conv(
        out_channels=channels,
        kernel_size=layer.kernel_size,
        stride=layer.kernel_size if layer.stride is None else layer.stride,
        padding=layer.padding,
        rounding=layer.rounding,
        name=layer.name,
    )
    return rewrite("pool-to-conv", network, {place: [conv]}, exact=isinstance(layer, AvgPool))


class Transform(NamedTuple):
    """A rewrite that can be offered for a layer."""

    kind: Kind
    title: str
    kinds: tuple[type[Layer], ...]
    """Of layers that it is for."""
    make: Callable[[Network, Place], Rewrite]


TRANSFORMS = (
    Transform("fc-to-conv", "FC to convolution", (FC,), fc_to_conv),
    Transform("conv-to-fc", "Convolution to FC", (Conv,), conv_to_fc),
    Transform("kernel-to-stack", "Large kernel to a stack of 3x3", (Conv,), kernel_to_stack),
    Transform("pool-to-conv", "Pool to strided convolution", (MaxPool, AvgPool), pool_to_conv),
)


def transforms_for(layer: Layer) -> tuple[Transform, ...]:
    """What a layer of this kind may become; whether it does depends on its network."""
    return tuple(one for one in TRANSFORMS if isinstance(layer, one.kinds))


def _conv_at(network: Network, place: Place) -> Conv:
    layer = layer_at(network, place)
    if not isinstance(layer, Conv):
        raise _wrong_kind(place, layer, "convolution")
    return layer


def _wrong_kind(place: Place, layer: Layer, wanted: str) -> ShapeError:
    return ShapeError(f"{label(place, layer)} is no {wanted}.", "Choose another layer.")
