"""The rewrites of one layer that the CS231n notes describe, without arrays.

:mod:`cnn_tui.engine.transforms` transfers trained weights and compares the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.shapes import Shape, Window, output_size, remainder
from cnn_tui.engine.specs.inside import Place, walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    Conv,
    Layer,
    MaxPool,
    ReLU,
    pair,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import known_shapes, label, layer_at
from cnn_tui.engine.specs.rewrite import Kind, Rewrite, rewrite
from cnn_tui.engine.specs.windows import windows


class MatrixFacts(msgspec.Struct, frozen=True):
    """The size of the matrix that is equivalent to a convolution, in entries."""

    rows: int
    """Number of outputs: one per filter and position."""
    columns: int
    """Number of inputs: one per pixel and channel."""
    connected: int
    """Entries that hold a weight; most weights occur many times."""
    free: int
    """Number of distinct weights: those of the convolution."""

    @property
    def entries(self) -> int:
        """Total number of entries."""
        return self.rows * self.columns

    @property
    def zeros(self) -> int:
        """Number of entries that are zero for any weights."""
        return self.entries - self.connected


def matrix_facts(layer: Conv, shape: Shape) -> MatrixFacts:
    """Return the size of the matrix of a convolution on a volume of ``shape`` (C, H, W).

    The matrix is mostly zero, since each output sees only a window, and many of its entries are
    equal, since all windows share their weights (CS231n, Converting FC layers to CONV layers).
    """
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
    """Number of pairs of a window position and a pixel that it reads, padding excluded."""
    return sum(
        0 <= place * window.stride - window.padding + tap * window.dilation < size
        for place in range(output_size(size, window))
        for tap in range(window.kernel)
    )


def fc_to_conv(network: Network, place: Place) -> Rewrite:
    """Rewrite an FC layer as a convolution with a window of the whole input: ``120 5x5``.

    The FC layers before it are rewritten as well, since a convolution needs height and width.
    The network computes the same function (CS231n notes, Converting FC layers to CONV layers).

    Raises:
        ShapeError: if the layer is not an FC layer, or the network has issues.
    """
    if not isinstance(layer_at(network, place), FC):
        raise _wrong_kind(place, layer_at(network, place), "an FC layer")
    changes: dict[Place, list[Layer]] = {}
    for current, layer in walk_layers(network.layers):
        if isinstance(layer, FC):
            shape, _ = known_shapes(network, current)
            changes[current] = [_whole_window(layer, shape)]
        if current == place:
            break
    return rewrite("fc-to-conv", network, changes, exact=True)


def _whole_window(layer: FC, shape: Shape) -> Conv:
    height, width = shape[1:] if len(shape) == 3 else (1, 1)
    kernel = height if height == width else (height, width)
    return Conv(
        out_channels=layer.out_features, kernel_size=kernel, bias=layer.bias, name=layer.name
    )


def conv_to_fc(network: Network, place: Place) -> Rewrite:
    """Rewrite a convolution as an FC layer with a sparse matrix of shared weights.

    The network computes the same function; further training no longer shares the weights.

    Raises:
        ShapeError: if the layer is not a convolution, or a later layer needs height and width;
            :func:`alone` then shows the layer in isolation.
    """
    layer = _conv_at(network, place)
    _, (filters, height, width) = known_shapes(network, place)
    fc = FC(out_features=filters * height * width, bias=layer.bias, name=layer.name)
    return rewrite("conv-to-fc", network, {place: [fc]}, exact=True)


def alone(network: Network, place: Place) -> Network:
    """Return a network of this convolution alone, which can always become an FC layer.

    Raises:
        ShapeError: if the layer is not a convolution, or does not fit.
    """
    layer = _conv_at(network, place)
    (channels, height, width), _ = known_shapes(network, place)
    scores = FC(out_features=2)
    return Network(name="alone", input=(channels, height, width), layers=(layer, scores))


def kernel_to_stack(network: Network, place: Place) -> Rewrite:
    """Rewrite a large kernel as 3x3 convolutions with activations between them.

    Receptive field and output size are the same, but the stack is another function, which has
    to be trained (Simonyan & Zisserman 2015, section 2.3; CS231n notes, Layer Patterns).

    Raises:
        ShapeError: if the layer is not a convolution with an odd square kernel of at least 5x5.
    """
    layer = _conv_at(network, place)
    height, width = pair(layer.kernel_size)
    if height != width or height % 2 == 0 or height < 5:
        text = f"{label(place, layer)}: a {height}x{width} kernel is not a stack of 3x3 kernels."
        raise ShapeError(text, "Choose a layer with a kernel of 5x5, 7x7, 9x9 and so on.")
    between = _activation_after(network, place)
    first, *others = _stack(layer, height // 2)
    stack = [first, *(layer for conv in others for layer in (between, conv))]
    return rewrite("kernel-to-stack", network, {place: stack}, exact=False)


def _activation_after(network: Network, place: Place) -> Layer:
    after = dict(walk_layers(network.layers)).get((*place[:-1], place[-1] + 1))
    if after is not None and after.info.is_activation:
        return msgspec.structs.replace(after, name="")
    return ReLU()


def _stack(layer: Conv, count: int) -> Iterator[Conv]:
    """The convolutions; only the last has the stride, so that all read every pixel."""
    inner = msgspec.structs.replace(layer, kernel_size=3, stride=1, rounding="exact", name="")
    last = msgspec.structs.replace(layer, kernel_size=3)
    for number, conv in enumerate((*[inner] * (count - 1), last)):
        yield msgspec.structs.replace(conv, padding=_share(layer, number, count))


def _share(layer: Conv, number: int, count: int) -> int | tuple[int, ...] | Literal["same"]:
    """The padding of one convolution of a stack; the sum is that of the layer."""
    if layer.padding == "same":
        return "same"
    high, wide = (
        size * (number + 1) // count - size * number // count for size in pair(layer.padding)
    )
    return high if high == wide else (high, wide)


def pool_to_conv(network: Network, place: Place) -> Rewrite:
    """Rewrite a pool as a strided convolution, which learns how to reduce the volume.

    It starts as the mean of each window, which equals average pooling (Springenberg et al. 2015;
    CS231n notes, Getting rid of pooling).

    Raises:
        ShapeError: if the layer is not a pool, or the network has issues.
    """
    layer = layer_at(network, place)
    if not isinstance(layer, MaxPool | AvgPool):
        raise _wrong_kind(place, layer, "a pool")
    (channels, *size), _ = known_shapes(network, place)
    if layer.rounding == "ceil" and any(map(remainder, size, windows(layer))):
        raise ShapeError(
            f"{label(place, layer)} rounds its output size up, which a convolution cannot.",
            "Let it round down first.",
        )
    conv = Conv(
        out_channels=channels,
        kernel_size=layer.kernel_size,
        stride=layer.kernel_size if layer.stride is None else layer.stride,
        padding=layer.padding,
        rounding="exact" if layer.rounding == "ceil" else layer.rounding,
        name=layer.name,
    )
    is_mean = isinstance(layer, AvgPool) and (
        layer.count_include_pad or pair(layer.padding) == (0, 0)
    )
    return rewrite("pool-to-conv", network, {place: [conv]}, exact=is_mean)


class Transform(NamedTuple):
    """A rewrite to be offered for a layer."""

    kind: Kind
    title: str
    kinds: tuple[type[Layer], ...]
    """The kinds of layers that can be rewritten."""
    make: Callable[[Network, Place], Rewrite]


TRANSFORMS = (
    Transform("fc-to-conv", "FC to convolution", (FC,), fc_to_conv),
    Transform("conv-to-fc", "Convolution to FC", (Conv,), conv_to_fc),
    Transform("kernel-to-stack", "Large kernel to a stack of 3x3", (Conv,), kernel_to_stack),
    Transform("pool-to-conv", "Pool to strided convolution", (MaxPool, AvgPool), pool_to_conv),
)


def transforms_for(layer: Layer) -> tuple[Transform, ...]:
    """Return the rewrites for a kind of layer; its network may still rule them out."""
    return tuple(transform for transform in TRANSFORMS if isinstance(layer, transform.kinds))


def _conv_at(network: Network, place: Place) -> Conv:
    layer = layer_at(network, place)
    if not isinstance(layer, Conv):
        raise _wrong_kind(place, layer, "a convolution")
    return layer


def _wrong_kind(place: Place, layer: Layer, wanted: str) -> ShapeError:
    return ShapeError(f"{label(place, layer)} is not {wanted}.", "Choose another layer.")
