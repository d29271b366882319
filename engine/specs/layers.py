"""Every kind of layer: one immutable description each, without arrays.

The field names are PyTorch's; the ``type`` in a file is the tag of the class. Limits of single
values are in the annotations, which the file decoder and the forms read; ``info`` holds everything
else that needs no arithmetic.

A new activation belongs in :mod:`cnn_tui.engine.specs.activations`. Any other kind is a class
here, its name in ``Layer`` at the end, a row of ``BUILDERS`` in :mod:`cnn_tui.engine.layers.lower`
and, if it changes the shape or learns, of ``RULES`` in :mod:`cnn_tui.engine.specs.infer`.
``tests/engine/test_every_layer.py`` names what is still missing.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.specs.activations import Activation
from cnn_tui.engine.specs.activations import LeakyReLU as LeakyReLU
from cnn_tui.engine.specs.activations import ReLU as ReLU
from cnn_tui.engine.specs.activations import Sigmoid as Sigmoid
from cnn_tui.engine.specs.activations import Tanh as Tanh
from cnn_tui.engine.specs.depthwise import DWConv as DWConv
from cnn_tui.engine.specs.info import Counterpart, Flag, LayerInfo, LayerSpec, Setting
from cnn_tui.engine.specs.norms import Norm
from cnn_tui.engine.specs.pooling import AvgPool as AvgPool
from cnn_tui.engine.specs.pooling import GlobalAvgPool as GlobalAvgPool
from cnn_tui.engine.specs.pooling import MaxPool as MaxPool
from cnn_tui.engine.specs.pooling import Pooling
from cnn_tui.engine.specs.shaping import Shaping
from cnn_tui.engine.specs.sizes import (
    KERNEL,
    NO_BIAS,
    PADDING,
    ROUNDING,
    STRIDE,
    Pad,
    PadPair,
    Pair,
    Rounding,
)
from cnn_tui.engine.specs.sizes import Features as Features
from cnn_tui.engine.specs.sizes import Size as Size

Merge = Literal["concat", "add", "multiply"]
MAX_BRANCHES = 26
"""Branches of one block, which have a letter each."""
MAX_TIMES = 1000


class Conv(LayerSpec, frozen=True, tag="conv"):
    """2-D convolution (cross-correlation), weight ``(F, C/groups, KH, KW)``. Notes, Conv Layer."""

    info = LayerInfo(
        ("conv", "c", "conv2d"),
        "convolution: FILTERS, KERNEL",
        "filters slide over the volume; each finds one pattern",
        Counterpart("Conv2d"),
        Counterpart("Conv"),
        needs_volume=True,
        example="conv 32 3x3 pad same",
        places=("out_channels", "kernel_size"),
        settings=(
            Setting("out_channels", ("filters", "out_channels"), usual=("16", "32", "64")),
            KERNEL,
            STRIDE,
            PADDING._replace(usual=("same", "1", "2")),
            Setting("dilation", ("dilation",), "d", ("2",)),
            Setting("groups", ("groups",), "g"),
        ),
        flags=(Flag("padding", "same", ("same",)), NO_BIAS, *ROUNDING),
        family="conv",
        aliases={"pwconv": {"kernel_size": 1}},
    )

    out_channels: Features
    kernel_size: Size | Pair = 3
    stride: Size | Pair = 1
    padding: Pad | PadPair | Literal["same"] = 0
    dilation: Size | Pair = 1
    groups: Features = 1
    bias: bool = True
    rounding: Rounding = "exact"


class FC(LayerSpec, frozen=True, tag="fc"):
    """Fully connected layer, weight ``(out_features, in_features)``; flattens its input itself."""

    info = LayerInfo(
        ("fc", "f", "linear", "dense"),
        "fully connected: OUTPUTS",
        "every output sees every input; the last gives scores",
        Counterpart("Linear"),
        Counterpart("Gemm"),
        example="fc 10",
        places=("out_features",),
        settings=(Setting("out_features", ("outputs", "out_features"), usual=("10", "128")),),
        flags=(NO_BIAS,),
        family="fc",
    )

    out_features: Features
    bias: bool = True


class Dropout(LayerSpec, frozen=True, tag="dropout"):
    """Zeroes each activation with probability ``p`` while training (Srivastava et al. 2014)."""

    info = LayerInfo(
        ("dropout", "drop"),
        "dropout: PROBABILITY",
        "drops activations at random; against overfitting",
        Counterpart("Dropout", {"p": "p"}, ignored=("inplace",)),
        Counterpart("Dropout"),
        "elementwise",
        example="dropout 0.5",
        places=("p",),
        settings=(Setting("p", ("p",), usual=("0.5", "0.2")),),
        brief="p {0.p:g}",
        family="dropout",
    )

    p: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.5


class StochasticDepth(LayerSpec, frozen=True, tag="stochastic_depth"):
    """Zeroes whole images with probability ``p`` while training (Huang et al. 2016).

    At the end of the branch of a residual block it drops the branch: torchvision's mode ``row``.
    """

    info = LayerInfo(
        ("stochastic_depth", "stochasticdepth"),
        "stochastic depth: PROBABILITY",
        "leaves out a residual branch for some images",
        Counterpart("StochasticDepth", {"p": "p"}),
        Counterpart("Dropout"),
        "elementwise",
        example="stochastic_depth 0.1",
        places=("p",),
        settings=(Setting("p", ("p",), usual=("0.1",)),),
        brief="p {0.p:g}",
        family="dropout",
    )

    p: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.1


class BatchNorm(LayerSpec, frozen=True, tag="batchnorm"):
    """Batch normalisation per channel (Ioffe & Szegedy 2015)."""

    info = LayerInfo(
        ("batchnorm", "bn", "batch_norm", "batchnorm2d"),
        "batch normalisation",
        "each channel to mean 0, spread 1; scale and shift",
        Counterpart("BatchNorm2d"),
        Counterpart("BatchNormalization"),
        "elementwise",
        stem="bn",
        family="norm",
    )

    eps: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1e-5
    momentum: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1


class LRN(LayerSpec, frozen=True, tag="lrn"):
    """Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3)."""

    info = LayerInfo(
        ("lrn",),
        "local response normalisation: SIZE",
        "nearby channels inhibit each other, as in AlexNet",
        Counterpart("LocalResponseNorm"),
        Counterpart("LRN"),
        "same-shape",
        needs_volume=True,
        example="lrn 5",
        places=("size",),
        settings=(Setting("size", ("size",), "n", ("5",)),),
        brief="n {0.size}",
        family="norm",
    )

    size: Size = 5
    alpha: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 1e-4
    beta: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.75
    k: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 2.0


class Residual(LayerSpec, frozen=True, tag="residual"):
    """``branch(x) + shortcut(x)`` (He et al. 2016). A ReLU after the sum is a layer of its own.

    ``projection`` is a 1x1 convolution without bias and a batch norm; ``zero-pad`` takes every
    ``stride``-th pixel and fills the missing channels with zeros (He et al., option A). Any other
    shortcut is a list of layers, which have strides of their own.
    """

    info = LayerInfo(
        ("residual", "res"),
        "residual block: { BRANCH } SHORTCUT",
        "branch(x) + x: lets very deep networks learn",
        Counterpart("Residual"),
        Counterpart("Add"),
        example="residual { conv 16 pad same } proj",
        settings=(STRIDE,),
        flags=(
            Flag("shortcut", "projection", ("proj", "projection")),
            Flag("shortcut", "zero-pad", ("zero-pad", "zero")),
            Flag("shortcut", "identity", ("identity", "id")),
        ),
        family="block",
    )

    branch: tuple[Layer, ...]
    shortcut: Literal["identity", "projection", "zero-pad"] | tuple[Layer, ...] = "identity"
    stride: Size = 1
    """Stride of a projection or of a zero-padded shortcut: the factor by which the branch reduces
    height and width."""


class Parallel(LayerSpec, frozen=True, tag="parallel"):
    """Branches of the same input, merged into one volume; an empty branch passes its input on.

    ``concat`` puts their channels one after the other (Szegedy et al. 2015, Inception; Huang et al.
    2017, DenseNet), ``add`` sums equal shapes, ``multiply`` also takes a size of 1 for all pixels
    or channels (Hu et al. 2018, squeeze-and-excitation).
    """

    info = LayerInfo(
        ("parallel", "par"),
        "branches side by side: { BRANCH } { BRANCH } MERGE",
        "several views of one volume: Inception, DenseNet, SE",
        Counterpart("Parallel"),
        Counterpart("Concat"),
        example="parallel { conv 8 1x1 } { conv 8 3x3 pad same } concat",
        flags=(
            Flag("merge", "concat", ("concat", "cat")),
            Flag("merge", "add", ("add", "sum")),
            Flag("merge", "multiply", ("multiply", "mul")),
            Flag("split", True, ("split",)),
        ),
        family="block",
    )

    branches: Annotated[
        tuple[tuple[Layer, ...], ...], msgspec.Meta(min_length=1, max_length=MAX_BRANCHES)
    ]
    merge: Merge = "concat"
    split: bool = False
    """Give each branch its equal share of the channels (Ma et al. 2018, ShuffleNet v2)."""


class Repeat(LayerSpec, frozen=True, tag="repeat"):
    """The same layers ``times`` times one after the other, each copy with weights of its own."""

    info = LayerInfo(
        ("repeat",),
        "layers several times: TIMES { LAYERS }",
        "copies one after the other, each with its own weights",
        Counterpart("Sequential"),
        Counterpart("Repeat"),
        example="repeat 3 { conv 16 pad same, relu }",
        places=("times",),
        settings=(Setting("times", ("times",), "x", ("2", "3")),),
        family="block",
    )

    layers: tuple[Layer, ...]
    times: Annotated[int, msgspec.Meta(ge=1, le=MAX_TIMES)] = 2


Layer = (
    Conv
    | DWConv
    | Pooling
    | FC
    | Activation
    | Dropout
    | StochasticDepth
    | BatchNorm
    | Norm
    | LRN
    | Shaping
    | Residual
    | Parallel
    | Repeat
)
LAYER_TYPES: dict[str, type[Layer]] = {
    str(kind.__struct_config__.tag): kind for kind in Layer.__args__
}
"""Every kind of layer by its name in files, in the order of the palette."""


def layer_type(layer: Layer) -> str:
    """Return the kind of a layer as written in files, such as ``"conv"``."""
    return str(layer.__struct_config__.tag)


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """Return height and width of a size that may be given as one number: ``3 -> (3, 3)``."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def single(size: object) -> object:
    """Return a pair, or four, of equal numbers as one number, the inverse of :func:`pair`."""
    match size:
        case (first, second) if first == second:
            return first
        case (left, right, top, bottom) if left == right == top == bottom:
            return left
    return size
