"""Layers as other programs make them: ``nn.Conv2d(3, 32, 3)``, ``layers.Dense(10)``.

A call is known by its name and its literal arguments, and is never run. The rows below are for
what differs from a layer here; all other modules of PyTorch follow from ``info.torch``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    LRN,
    BatchNorm,
    Conv,
    Layer,
    single,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm
from cnn_tui.engine.specs.pooling import (
    AdaptiveAvgPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
)
from cnn_tui.engine.specs.quick.called import (
    CONV,
    ENDS_IN_SOFTMAX,
    FLATTENS,
    POOL,
    Called,
    CallRow,
    Given,
    no_layer,
    one_layer,
)
from cnn_tui.engine.specs.quick.keras_calls import KERAS, KERAS_NAMES
from cnn_tui.engine.specs.shaping import Pad
from cnn_tui.engine.specs.values import value_problems
from cnn_tui.engine.specs.wording import did_you_mean


def _plain(kind: type[Layer]) -> Callable[[Given], Called]:
    torch = kind.info.torch
    make = one_layer(kind, **torch.settings)
    return lambda given: make({**torch.defaults, **given})


def _conv2d(given: Given) -> Called:
    if given.get("padding") == "valid":
        given["padding"] = 0
    receives = given.pop("in_channels", None)
    return one_layer(Conv, *CONV)(given)._replace(receives=receives)


def _pool2d(kind: type[MaxPool | AvgPool]) -> Callable[[Given], Called]:
    def make(given: Given) -> Called:
        rounding = {"rounding": "ceil"} if given.pop("ceil_mode", False) else {}
        inside = ("count_include_pad",) if kind is AvgPool else ()
        (layer,) = one_layer(kind, "kernel_size", "stride", "padding", *inside)(given).layers
        return Called((msgspec.structs.replace(layer, **rounding),))

    return make


def _adaptive(given: Given) -> Called:
    size: Any = single(given["output_size"])
    return Called((GlobalAvgPool() if size == 1 else AdaptiveAvgPool(output_size=size),))


def _adaptive_max(given: Given) -> Called:
    if single(given["output_size"]) != 1:
        raise SpecError("pools to a size other than 1: no counterpart")
    return Called((GlobalMaxPool(),))


def _norm2d(given: Given) -> Called:
    receives = given.pop("num_features", given.pop("num_channels", None))
    kind = GroupNorm if "num_groups" in given else BatchNorm
    names = ("num_groups", "eps") if kind is GroupNorm else ("eps", "momentum")
    return one_layer(kind, *names)(given)._replace(receives=receives)


def _linear(given: Given) -> Called:
    receives = given.pop("in_features", None)
    return one_layer(FC, "out_features", "bias")(given)._replace(receives=receives)


def _lrn(given: Given) -> Called:
    # PyTorch divides alpha by the size, the paper does not.
    alpha = float(f"{given.get('alpha', 1e-4) / given['size']:.7g}")
    return one_layer(LRN, "size", "alpha", "beta", "k")(
        {"beta": 0.75, "k": 1.0, **given, "alpha": alpha}
    )


def _flatten(given: Given) -> Called:
    if given.get("start_dim", 1) != 1 or given.get("end_dim", -1) not in (-1, 3):
        raise SpecError("does not flatten all dimensions but the first: no counterpart")
    return Called(note=FLATTENS)


_TORCH: dict[str, CallRow] = {
    "Conv2d": CallRow(("in_channels", *CONV, "padding_mode"), _conv2d),
    "LazyConv2d": CallRow((*CONV, "padding_mode"), _conv2d),
    "Linear": CallRow(("in_features", "out_features", "bias"), _linear),
    "LazyLinear": CallRow(("out_features", "bias"), _linear),
    "MaxPool2d": CallRow((*POOL, "dilation", "return_indices", "ceil_mode"), _pool2d(MaxPool)),
    "AvgPool2d": CallRow((*POOL, "ceil_mode", "count_include_pad"), _pool2d(AvgPool)),
    "AdaptiveAvgPool2d": CallRow(("output_size",), _adaptive),
    "AdaptiveMaxPool2d": CallRow(("output_size",), _adaptive_max),
    **dict.fromkeys(
        ("BatchNorm2d", "BatchNorm1d"), CallRow(("num_features", "eps", "momentum"), _norm2d)
    ),
    **dict.fromkeys(("LazyBatchNorm2d", "LazyBatchNorm1d"), CallRow(("eps", "momentum"), _norm2d)),
    "GroupNorm": CallRow(("num_groups", "num_channels", "eps"), _norm2d),
    "LayerNorm": CallRow(("normalized_shape", "eps"), one_layer(LayerNorm, "eps")),
    "LocalResponseNorm": CallRow(("size", "alpha", "beta", "k"), _lrn),
    "ZeroPad2d": CallRow(("padding",), one_layer(Pad, "padding")),
    "PReLU": CallRow(
        ("num_parameters", "init"),
        lambda given: Called((PReLU(per_channel=given.pop("num_parameters", 1) != 1, **given),)),
    ),
    "Identity": CallRow((), no_layer()),
    "Flatten": CallRow(("start_dim", "end_dim"), _flatten),
    **dict.fromkeys(
        ("Softmax", "LogSoftmax"), CallRow(("dim",), no_layer(ENDS_IN_SOFTMAX, is_softmax=True))
    ),
}
"""The arguments of each module of PyTorch in its order, and what it makes."""

_IGNORED = frozenset(
    """
    inplace device dtype name input_shape input_dim trainable seed training
    kernel_initializer bias_initializer kernel_regularizer bias_regularizer
    activity_regularizer kernel_constraint bias_constraint beta_initializer gamma_initializer
    """.split()  # noqa: SIM905
)
"""Arguments that change no result, or only the first weights."""
_WRONG = "has a value of the wrong kind"
_ONLY: Mapping[str, object] = {
    "padding_mode": "zeros",
    "data_format": "channels_last",
    "return_indices": False,
    "affine": True,
    "track_running_stats": True,
    "center": True,
    "scale": True,
    "elementwise_affine": True,
}
"""The only supported value of some arguments."""


def is_keras(name: str) -> bool:
    """Whether a full name such as ``layers.Conv2D`` is that of a layer of Keras."""
    above, _, last = name.rpartition(".")
    return last in KERAS and ("nn" not in above.split(".") if above else last not in _all_torch())


def has_keras(text: str) -> bool:
    """Whether a text calls layers that are Keras's by their names, as ``Conv2D(`` is."""
    return any(map(is_keras, re.findall(r"[\w.]+(?=\()", text)))


def call_names() -> tuple[str, ...]:
    """Return the names of all calls that are understood."""
    return (*_all_torch(), *KERAS)


def _all_torch() -> Mapping[str, CallRow]:
    plain = {
        kind.info.torch.name: CallRow(
            kind.info.torch.arguments,
            _plain(kind),
        )
        for kind in LAYER_TYPES.values()
    }
    return plain | _TORCH


def called(
    name: str, values: Sequence[object], words: Mapping[str, object], *, keras: bool = False
) -> Called:
    """Return the layers that a call of this full name makes with these literal arguments.

    With ``keras`` a name that PyTorch has as well is that of Keras.

    Raises:
        SpecError: if the name is unknown, or an argument has no counterpart; the message
            continues ``Conv2d``.
    """
    last, keras = name.rpartition(".")[2], keras or is_keras(name)
    row = (KERAS if keras else _all_torch()).get(last)
    if row is None:
        raise SpecError("has no counterpart here", did_you_mean(last, call_names()))
    given = _bound(row.arguments, values, words, keras=keras)
    try:
        made = row.make(given)
        # Values are checked as those of a file are.
        return made._replace(layers=tuple(map(_checked, made.layers)))
    except KeyError as error:
        raise SpecError(f"lacks its argument {error.args[0]}") from None
    except TypeError as error:
        lacks = str(error).partition("required argument ")[2].strip("'")
        raise SpecError(f"lacks its argument {lacks}" if lacks else _WRONG) from None
    except (ValueError, ArithmeticError):
        raise SpecError(_WRONG) from None


def _bound(
    names: tuple[str, ...], values: Sequence[object], words: Mapping[str, object], *, keras: bool
) -> Given:
    if len(values) > len(names):
        raise SpecError(f"has more than {len(names)} arguments")
    given: Given = dict(zip(names, values, strict=False))
    for word, value in words.items():
        field = KERAS_NAMES.get(word, word) if keras and word not in names else word
        if field in names or word in _ONLY:
            given[field] = value
        elif word not in _IGNORED:
            raise SpecError(f"has an unsupported argument {word}")
    for word, only in _ONLY.items():
        if given.pop(word, only) not in (only, None):
            raise SpecError(f"has {word}={words.get(word)!r}: no counterpart")
    return {word: single(tuple(v) if isinstance(v, list) else v) for word, v in given.items()}


def _checked(layer: Layer) -> Layer:
    for problem in value_problems(layer):
        raise SpecError(f"has a wrong {problem.path}: {problem.text}")
    return layer
