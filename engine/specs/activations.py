"""The activation functions.

A new one is a class here, its name in ``Activation``, and a row in
:mod:`cnn_tui.engine.ops.activations`; everything else reads ``info``.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from cnn_tui.engine.specs.info import Counterpart, LayerInfo, LayerSpec, Setting


class ReLU(LayerSpec, frozen=True, tag="relu"):
    """``max(0, x)``."""

    info = LayerInfo(
        ("relu", "r"),
        "max(0, x)",
        "max(0, x): the usual non-linearity after conv and fc",
        Counterpart("ReLU", ignored=("inplace",)),
        Counterpart("Relu"),
        "activation",
        bounds=(0, math.inf),
    )


class LeakyReLU(LayerSpec, frozen=True, tag="leaky_relu"):
    """``x`` where positive, ``negative_slope * x`` elsewhere."""

    info = LayerInfo(
        ("leaky_relu", "lrelu", "leaky", "leakyrelu"),
        "leaky ReLU: SLOPE",
        "a ReLU with a small slope for negative values",
        Counterpart("LeakyReLU", {"negative_slope": "negative_slope"}, ignored=("inplace",)),
        Counterpart("LeakyRelu", {"negative_slope": "alpha"}),
        "activation",
        example="leaky_relu 0.1",
        places=("negative_slope",),
        settings=(Setting("negative_slope", ("slope", "negative_slope"), usual=("0.1",)),),
        brief="{0.negative_slope:g}",
    )

    negative_slope: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01


class Sigmoid(LayerSpec, frozen=True, tag="sigmoid"):
    """``1 / (1 + exp(-x))``."""

    info = LayerInfo(
        ("sigmoid", "sig"),
        "1 / (1 + exp(-x))",
        "squashes to 0..1; saturates, now rare in hidden layers",
        Counterpart("Sigmoid"),
        Counterpart("Sigmoid"),
        "activation",
        bounds=(0, 1),
    )


class Tanh(LayerSpec, frozen=True, tag="tanh"):
    """Hyperbolic tangent."""

    info = LayerInfo(
        ("tanh",),
        "hyperbolic tangent",
        "squashes to -1..1; saturates, but is centred on zero",
        Counterpart("Tanh"),
        Counterpart("Tanh"),
        "activation",
        bounds=(-1, 1),
    )


class GELU(LayerSpec, frozen=True, tag="gelu"):
    """``x * Phi(x)`` in the tanh form (Hendrycks & Gimpel 2016); the exact one needs erf."""

    info = LayerInfo(
        ("gelu",),
        "x * Phi(x), the tanh form",
        "a smooth ReLU, common in newer networks",
        Counterpart("GELU", fixed={"approximate": "tanh"}),
        Counterpart("Gelu", fixed={"approximate": "tanh"}),
        "activation",
    )


Activation = ReLU | LeakyReLU | Sigmoid | Tanh | GELU
