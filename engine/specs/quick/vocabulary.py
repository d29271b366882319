"""The words of quick entry: for each kind of layer its names, its places and its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.tokens import Token

TOKENS = re.compile(
    r"(?P<blank>[\s,=]+)"
    r"|(?P<bar>\||->|→)"
    r"|(?P<open>\{)|(?P<close>\})"
    r"|(?P<word>no bias(?![\w.+-])|(?:(?!->)[A-Za-z0-9_.+×-])+)"
)
_GLUED = re.compile(r"([a-z_]+?)([0-9.].*)", re.IGNORECASE)


class Setting(NamedTuple):
    """A setting with a value: its field and its words, the usual one first."""

    field: str
    words: tuple[str, ...]
    short: str = ""
    """The letter that a number is glued to."""
    usual: tuple[str, ...] = ()
    """Values worth offering."""


class Flag(NamedTuple):
    """A word that stands for a value of a field."""

    field: str
    value: object
    words: tuple[str, ...]


class Form(NamedTuple):
    """How one kind of layer is written."""

    kind: type[Layer]
    words: tuple[str, ...]
    """The usual name first."""
    meaning: str
    example: str
    places: tuple[str, ...] = ()
    """The fields that take a number without a word before it, in this order."""
    settings: tuple[Setting, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def by_word(self) -> Mapping[str, Setting | Flag]:
        """Every setting and flag by each of its words."""
        by_word: dict[str, Setting | Flag] = {one.short: one for one in self.settings if one.short}
        entries: tuple[Setting | Flag, ...] = (*self.settings, *self.flags)
        for one in entries:
            by_word.update(dict.fromkeys(one.words, one))
        return by_word


_NAME = Setting("name", ("as", "name"))
_KERNEL = Setting("kernel_size", ("kernel", "kernel_size"), "k", ("3x3", "5x5", "1x1"))
_STRIDE = Setting("stride", ("stride",), "s", ("2",))
_PADDING = Setting("padding", ("pad", "padding"), "p", ("1", "2"))
_ROUNDING = (Flag("rounding", "floor", ("floor",)), Flag("rounding", "exact", ("exact",)))
_NO_BIAS = Flag("bias", False, ("nobias", "no-bias", "no bias"))
_POOL = (_KERNEL, _STRIDE, _PADDING, _NAME)

FORMS: tuple[Form, ...] = (
    Form(
        Conv,
        ("conv", "c", "conv2d"),
        "convolution: FILTERS, KERNEL",
        "conv 32 3x3 pad same",
        ("out_channels", "kernel_size"),
        (
            Setting("out_channels", ("filters", "out_channels"), usual=("16", "32", "64")),
            _KERNEL,
            _STRIDE,
            _PADDING._replace(usual=("same", "1", "2")),
            Setting("dilation", ("dilation",), "d", ("2",)),
            Setting("groups", ("groups",), "g"),
            _NAME,
        ),
        (Flag("padding", "same", ("same",)), _NO_BIAS, *_ROUNDING),
    ),
    Form(
        MaxPool,
        ("pool", "m", "maxpool", "max"),
        "max pooling: KERNEL, STRIDE",
        "pool 3x3 s2",
        ("kernel_size", "stride"),
        _POOL,
        _ROUNDING,
    ),
    Form(
        AvgPool,
        ("avgpool", "avg"),
        "average pooling: KERNEL, STRIDE",
        "avgpool 2",
        ("kernel_size", "stride"),
        _POOL,
        _ROUNDING,
    ),
    Form(
        GlobalAvgPool,
        ("gap", "global_avgpool", "globalavgpool"),
        "global average pooling",
        "gap",
        settings=(_NAME,),
    ),
    Form(
        FC,
        ("fc", "f", "linear", "dense"),
        "fully connected: OUTPUTS",
        "fc 10",
        ("out_features",),
        (Setting("out_features", ("outputs", "out_features"), usual=("10", "128")), _NAME),
        (_NO_BIAS,),
    ),
    Form(ReLU, ("relu", "r"), "max(0, x)", "relu", settings=(_NAME,)),
    Form(
        LeakyReLU,
        ("lrelu", "leaky", "leaky_relu", "leakyrelu"),
        "leaky ReLU: SLOPE",
        "lrelu 0.1",
        ("negative_slope",),
        (Setting("negative_slope", ("slope", "negative_slope"), usual=("0.1",)), _NAME),
    ),
    Form(Sigmoid, ("sigmoid", "sig"), "1 / (1 + exp(-x))", "sigmoid", settings=(_NAME,)),
    Form(Tanh, ("tanh",), "hyperbolic tangent", "tanh", settings=(_NAME,)),
    Form(
        Dropout,
        ("drop", "dropout"),
        "dropout: PROBABILITY",
        "drop 0.5",
        ("p",),
        (Setting("p", ("p",), usual=("0.5", "0.2")), _NAME),
    ),
    Form(
        BatchNorm,
        ("bn", "batchnorm", "batch_norm"),
        "batch normalisation",
        "bn",
        settings=(Setting("eps", ("eps",)), Setting("momentum", ("momentum",)), _NAME),
    ),
    Form(
        LRN,
        ("lrn",),
        "local response normalisation: SIZE",
        "lrn 5",
        ("size",),
        (
            Setting("size", ("size",), "n", ("5",)),
            *(Setting(field, (field,)) for field in ("alpha", "beta", "k")),
            _NAME,
        ),
    ),
    Form(
        Residual,
        ("res", "residual"),
        "residual block: { BRANCH } SHORTCUT",
        "res { conv 16 pad same } proj",
        settings=(_STRIDE, _NAME),
        flags=(
            Flag("shortcut", "projection", ("proj", "projection")),
            Flag("shortcut", "zero-pad", ("zero-pad", "zero")),
            Flag("shortcut", "identity", ("identity", "id")),
        ),
    ),
)
"""Every kind of layer, in the order in which they are offered."""

_BY_KIND = {form.kind: form for form in FORMS}
_BY_WORD = {word: form for form in FORMS for word in form.words}


def form_of(layer: Layer) -> Form:
    """How a layer is written."""
    return _BY_KIND[type(layer)]


def form_named(word: str) -> Form | None:
    """The kind of layer that a word means, if it means one."""
    return _BY_WORD.get(word.lower())


def layer_words() -> Iterator[str]:
    """Every name of every kind of layer."""
    yield from _BY_WORD


def split_glued(token: Token) -> tuple[Token, Token]:
    """``s2`` as ``s`` and ``2``; the second part is empty where nothing is glued to a word."""
    match = _GLUED.fullmatch(token.text)
    cut = match.end(1) if match else len(token.text)
    value = token._replace(text=token.text[cut:], column=token.column + cut)
    return token._replace(text=token.text[:cut]), value
