"""What the user edits: one immutable description per kind of layer, without arrays.

The field names are PyTorch's, the ``type`` written in a file is the tag of the class. Limits on
single values stand in the annotations, so that decoding a file and building a form read the
same ones; whether layers fit each other is the business of :mod:`cnn_tui.engine.specs.check`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Size = Annotated[int, msgspec.Meta(ge=1, le=1024)]
Pad = Annotated[int, msgspec.Meta(ge=0, le=512)]
# Of fixed length by constraint, not by type: msgspec (up to 0.22) crashes the interpreter at exit
# when a constrained int stands in a union with a tuple[X, Y].
Pair = Annotated[tuple[Size, ...], msgspec.Meta(min_length=2, max_length=2)]
PadPair = Annotated[tuple[Pad, ...], msgspec.Meta(min_length=2, max_length=2)]
Features = Annotated[int, msgspec.Meta(ge=1, le=65536)]
# \Z and not $, which would let a line break in at the end.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}\Z")]
Rounding = Literal["exact", "floor"]


class _Layer(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
):
    name: Name = ""
    """Optional; unique in the network. Without it a layer is called by its type and number."""


class Conv(_Layer, frozen=True, tag="conv"):
    """2-D convolution (cross-correlation), weight ``(F, C/groups, KH, KW)``. Notes, Conv Layer."""

    out_channels: Features
    kernel_size: Size | Pair = 3
    stride: Size | Pair = 1
    padding: Pad | PadPair | Literal["same"] = 0
    dilation: Size | Pair = 1
    groups: Features = 1
    bias: bool = True
    rounding: Rounding = "exact"


class MaxPool(_Layer, frozen=True, tag="maxpool"):
    """Largest value of each window, per channel; no parameters. Notes, Pooling Layer."""

    kernel_size: Size | Pair = 2
    stride: Size | Pair | None = None
    """Defaults to the kernel size."""
    padding: Pad | PadPair = 0
    rounding: Rounding = "exact"


class AvgPool(_Layer, frozen=True, tag="avgpool"):
    """Mean of each window, per channel, padding counted as zeros; no parameters."""

    kernel_size: Size | Pair = 2
    stride: Size | Pair | None = None
    padding: Pad | PadPair = 0
    rounding: Rounding = "exact"


class GlobalAvgPool(_Layer, frozen=True, tag="global_avgpool"):
    """Mean over height and width: ``C x H x W`` becomes ``C x 1 x 1``."""


class FC(_Layer, frozen=True, tag="fc"):
    """Fully connected layer, weight ``(out_features, in_features)``; flattens its input itself."""

    out_features: Features
    bias: bool = True


class ReLU(_Layer, frozen=True, tag="relu"):
    """``max(0, x)``."""


class LeakyReLU(_Layer, frozen=True, tag="leaky_relu"):
    """``x`` where positive, ``negative_slope * x`` elsewhere."""

    negative_slope: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01


class Sigmoid(_Layer, frozen=True, tag="sigmoid"):
    """``1 / (1 + exp(-x))``."""


class Tanh(_Layer, frozen=True, tag="tanh"):
    """Hyperbolic tangent."""


class Dropout(_Layer, frozen=True, tag="dropout"):
    """Zeroes each activation with probability ``p`` while training (Srivastava et al. 2014)."""

    p: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.5


class BatchNorm(_Layer, frozen=True, tag="batchnorm"):
    """Batch normalisation per channel (Ioffe & Szegedy 2015)."""

    eps: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1e-5
    momentum: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1


class LRN(_Layer, frozen=True, tag="lrn"):
    """Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3)."""

    size: Size = 5
    alpha: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 1e-4
    beta: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.75
    k: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 2.0


class Residual(_Layer, frozen=True, tag="residual"):
    """``branch(x) + shortcut(x)`` (He et al. 2016). A ReLU after the sum is a layer of its own.

    ``projection`` is a 1x1 convolution without bias and a batch norm; ``zero-pad`` takes every
    ``stride``-th pixel and fills the missing channels with zeros (He et al., option A).
    """

    branch: tuple[Layer, ...]
    shortcut: Literal["identity", "projection", "zero-pad"] = "identity"
    stride: Size = 1
    """Of the shortcut: how much the branch shrinks height and width."""


Layer = (
    Conv
    | MaxPool
    | AvgPool
    | GlobalAvgPool
    | FC
    | ReLU
    | LeakyReLU
    | Sigmoid
    | Tanh
    | Dropout
    | BatchNorm
    | LRN
    | Residual
)

LAYER_TYPES: dict[str, type[Layer]] = {
    str(kind.__struct_config__.tag): kind for kind in Layer.__args__
}
"""Every kind of layer by the name that files use, in the order of the palette."""


def layer_type(layer: Layer) -> str:
    """The name of a layer's kind as files write it, such as ``"conv"``."""
    return str(layer.__struct_config__.tag)


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """``3 -> (3, 3)``: height and width of a size that may be given once for both."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])
