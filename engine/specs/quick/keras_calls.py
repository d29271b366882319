"""Layers of Keras: their arguments, by the names of the fields here, and what they make."""

from __future__ import annotations

from collections.abc import Callable

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.activations import ELU, GELU, LeakyReLU, ReLU6, SiLU
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    Dropout,
    Layer,
    ReLU,
    Sigmoid,
    Tanh,
    single,
)
from cnn_tui.engine.specs.norms import GroupNorm
from cnn_tui.engine.specs.pooling import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from cnn_tui.engine.specs.quick.called import (
    CONV,
    ENDS_IN_SOFTMAX,
    FLATTENS,
    Called,
    CallRow,
    Given,
    no_layer,
    one_layer,
)
from cnn_tui.engine.specs.shaping import Pad
from cnn_tui.engine.specs.wording import listed

RESIZES = "with padding same and a stride, the windows lie up to one pixel off those of Keras"


def _keras_conv(given: Given) -> Called:
    stride = single(given.get("stride", 1))
    same = given.get("padding", "valid") == "same"
    given["padding"] = "same" if same else 0
    (layer,) = one_layer(Conv, *CONV)(given).layers
    return _activated(layer, given, RESIZES if same and stride != 1 else "")


def _dense(given: Given) -> Called:
    (layer,) = one_layer(FC, "out_features", "bias")(given).layers
    return _activated(layer, given)


def _activated(layer: Layer, given: Given, note: str = "") -> Called:
    after = keras_activation(given.get("activation"))
    return after._replace(layers=(layer, *after.layers), note=note or after.note)


def keras_activation(name: object) -> Called:
    """Return the layers of an activation that Keras knows by this name; none for None.

    Raises:
        SpecError: if there is none of this name.
    """
    if name in (None, "linear"):
        return Called()
    if name == "softmax":
        return Called(note=ENDS_IN_SOFTMAX, is_softmax=True)
    if name not in _KERAS_ACTIVATIONS:
        names = listed([*_KERAS_ACTIVATIONS, "softmax"], "and")
        raise SpecError(f"has the activation {name!r}; there are {names}")
    return Called((_KERAS_ACTIVATIONS[str(name)],))


def _keras_pool(kind: type[MaxPool | AvgPool]) -> Callable[[Given], Called]:
    def make(given: Given) -> Called:
        kernel, note = given.setdefault("kernel_size", 2), ""
        if given.pop("padding", "valid") == "same":
            sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
            if all(side % 2 for side in sides):
                given |= {"padding": single(tuple(side // 2 for side in sides))}
                given |= {"rounding": "floor", "count_include_pad": False}
            else:
                given["rounding"] = "ceil"
            note = RESIZES
        inside = ("count_include_pad",) if kind is AvgPool else ()
        sizes = ("kernel_size", "stride", "padding", "rounding")
        return one_layer(kind, *sizes, *inside)(given)._replace(note=note)

    return make


def _depthwise(given: Given) -> Called:
    stride, same = single(given.get("stride", 1)), given.get("padding", "valid") == "same"
    given["padding"] = "same" if same else 0
    names = ("kernel_size", "stride", "padding", "dilation", "multiplier", "bias")
    (layer,) = one_layer(DWConv, *names)(given).layers
    return _activated(layer, given, RESIZES if same and stride != 1 else "")


def _separable(given: Given) -> Called:
    """A depthwise convolution without bias, and a pointwise one."""
    filters, bias = given.pop("out_channels"), given.pop("bias", True)
    depthwise = _depthwise({**given, "bias": False, "activation": None})
    pointwise = Conv(out_channels=filters, kernel_size=1, bias=bias)
    after = _activated(pointwise, given, depthwise.note)
    return after._replace(layers=(*depthwise.layers, *after.layers))


def _zero_padding(given: Given) -> Called:
    size = given.get("padding", 1)
    if isinstance(size, tuple):
        rows, columns = (side if isinstance(side, tuple | list) else (side, side) for side in size)
        size = (*columns, *rows)
    return Called((Pad(padding=size),))


def _keras_norm(given: Given) -> Called:
    # Keras says how much of the old mean is kept, PyTorch how much of the new is taken.
    momentum = float(f"{1 - given.get('momentum', 0.99):.7g}")
    return Called((BatchNorm(eps=given.get("eps", 1e-3), momentum=momentum),))


def _keras_relu(given: Given) -> Called:
    slope, most = given.get("negative_slope", 0), given.get("max_value")
    if most not in (None, 6) or (most and slope) or given.get("threshold", 0):
        raise SpecError("has a limit other than 6, or a threshold: no counterpart")
    return Called((ReLU6() if most else LeakyReLU(negative_slope=slope) if slope else ReLU(),))


def _keras_leaky(given: Given) -> Called:
    return Called((LeakyReLU(negative_slope=given.get("negative_slope", 0.3)),))


_KERAS_CONV = (
    "out_channels", "kernel_size", "stride", "padding", "data_format", "dilation", "groups",
    "activation", "bias",
)  # fmt: skip
_KERAS_POOL = ("kernel_size", "stride", "padding", "data_format")
KERAS: dict[str, CallRow] = {
    **dict.fromkeys(("Conv2D", "Convolution2D"), CallRow(_KERAS_CONV, _keras_conv)),
    "DepthwiseConv2D": CallRow(
        (
            "kernel_size",
            "stride",
            "padding",
            "multiplier",
            "data_format",
            "dilation",
            "activation",
            "bias",
        ),
        _depthwise,
    ),
    "SeparableConv2D": CallRow(
        (
            "out_channels",
            "kernel_size",
            "stride",
            "padding",
            "data_format",
            "dilation",
            "multiplier",
            "activation",
            "bias",
        ),
        _separable,
    ),
    "ZeroPadding2D": CallRow(("padding", "data_format"), _zero_padding),
    "Dense": CallRow(("out_features", "activation", "bias"), _dense),
    **dict.fromkeys(("MaxPooling2D", "MaxPool2D"), CallRow(_KERAS_POOL, _keras_pool(MaxPool))),
    **dict.fromkeys(("AveragePooling2D", "AvgPool2D"), CallRow(_KERAS_POOL, _keras_pool(AvgPool))),
    **dict.fromkeys(
        ("GlobalAveragePooling2D", "GlobalAvgPool2D"),
        CallRow(("data_format", "keepdims"), one_layer(GlobalAvgPool)),
    ),
    **dict.fromkeys(
        ("GlobalMaxPooling2D", "GlobalMaxPool2D"),
        CallRow(("data_format", "keepdims"), one_layer(GlobalMaxPool)),
    ),
    "BatchNormalization": CallRow(("axis", "momentum", "eps", "center", "scale"), _keras_norm),
    "GroupNormalization": CallRow(
        ("num_groups", "axis", "eps"),
        lambda given: Called(
            (GroupNorm(num_groups=given.get("num_groups", 32), eps=given.get("eps", 1e-3)),)
        ),
    ),
    "Dropout": CallRow(("p", "noise_shape", "seed"), one_layer(Dropout, "p")),
    "Activation": CallRow(("activation",), lambda given: keras_activation(given.get("activation"))),
    "ReLU": CallRow(("max_value", "negative_slope", "threshold"), _keras_relu),
    "LeakyReLU": CallRow(("negative_slope",), _keras_leaky),
    "ELU": CallRow(("alpha",), one_layer(ELU, "alpha")),
    "Flatten": CallRow(("data_format",), no_layer(FLATTENS)),
    "Softmax": CallRow(("axis",), no_layer(ENDS_IN_SOFTMAX, is_softmax=True)),
    **dict.fromkeys(("InputLayer", "Input"), CallRow(("shape", "batch_size", "dtype"), no_layer())),
}
"""The arguments of each layer of Keras in its order, by the names of the fields here."""

KERAS_NAMES = {
    "filters": "out_channels",
    "units": "out_features",
    "strides": "stride",
    "dilation_rate": "dilation",
    "pool_size": "kernel_size",
    "use_bias": "bias",
    "rate": "p",
    "depth_multiplier": "multiplier",
    "epsilon": "eps",
    "alpha": "negative_slope",
    "groups": "groups",
}
"""Keyword arguments of Keras with another name here."""
_KERAS_ACTIVATIONS: dict[str, Layer] = {
    "relu": ReLU(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "elu": ELU(),
    "gelu": GELU(approximate="none"),
    "silu": SiLU(),
    "swish": SiLU(),
    "relu6": ReLU6(),
    "leaky_relu": LeakyReLU(negative_slope=0.2),
}
