"""The activation functions.

A new one is a class here, its name in ``Activation``, and a row in
:mod:`cnn_tui.engine.ops.activations`; everything else reads ``info``.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.specs.info import Counterpart, Flag, LayerInfo, LayerSpec, Setting


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
    """``x * Phi(x)``, exactly or in the tanh form (Hendrycks & Gimpel 2016).

    PyTorch's default is the exact one; here it is the tanh form, the only one in older files.
    """

    info = LayerInfo(
        ("gelu",),
        "x * Phi(x), exact or the tanh form",
        "a smooth ReLU, common in newer networks",
        Counterpart("GELU", {"approximate": "approximate"}, defaults={"approximate": "none"}),
        Counterpart("Gelu", {"approximate": "approximate"}, defaults={"approximate": "none"}),
        "activation",
        example="gelu exact",
        flags=(
            Flag("approximate", "none", ("exact", "none")),
            Flag("approximate", "tanh", ("tanh-form",)),
        ),
        brief="{0.words}",
    )

    approximate: Literal["tanh", "none"] = "tanh"

    @property
    def words(self) -> str:
        """The form in a word."""
        return "tanh" if self.approximate == "tanh" else "exact"


class ReLU6(LayerSpec, frozen=True, tag="relu6"):
    """``min(max(0, x), 6)`` (Krizhevsky 2010)."""

    info = LayerInfo(
        ("relu6",),
        "min(max(0, x), 6)",
        "a ReLU that ends at 6, as in MobileNet v2",
        Counterpart("ReLU6", ignored=("inplace",)),
        Counterpart("Clip"),
        "activation",
        bounds=(0, 6),
        rectifies=True,
        stem="relu6_",
    )


class ELU(LayerSpec, frozen=True, tag="elu"):
    """``x`` where positive, ``alpha * (exp(x) - 1)`` elsewhere (Clevert et al. 2015)."""

    info = LayerInfo(
        ("elu",),
        "ELU: ALPHA",
        "a ReLU that bends to -alpha, so its mean is near zero",
        Counterpart("ELU", {"alpha": "alpha"}, ignored=("inplace",)),
        Counterpart("Elu", {"alpha": "alpha"}),
        "activation",
        example="elu 0.5",
        places=("alpha",),
        settings=(Setting("alpha", ("alpha",), usual=("1",)),),
        brief="{0.alpha:g}",
    )

    alpha: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0


class SiLU(LayerSpec, frozen=True, tag="silu"):
    """``x * sigmoid(x)``, also called swish (Ramachandran et al. 2017)."""

    info = LayerInfo(
        ("silu", "swish"),
        "x * sigmoid(x), also called swish",
        "a smooth ReLU, as in EfficientNet",
        Counterpart("SiLU", ignored=("inplace",)),
        Counterpart("Swish", fixed={"alpha": 1.0}, defaults={"alpha": 1.0}),
        "activation",
    )


class Hardswish(LayerSpec, frozen=True, tag="hardswish"):
    """``x * min(max(0, x + 3), 6) / 6`` (Howard et al. 2019)."""

    info = LayerInfo(
        ("hardswish", "hswish"),
        "x * relu6(x + 3) / 6",
        "SiLU out of straight pieces, as in MobileNet v3",
        Counterpart("Hardswish", ignored=("inplace",)),
        Counterpart("HardSwish"),
        "activation",
    )


class Hardsigmoid(LayerSpec, frozen=True, tag="hardsigmoid"):
    """``min(max(0, x + 3), 6) / 6`` (Howard et al. 2019)."""

    info = LayerInfo(
        ("hardsigmoid", "hsigmoid"),
        "relu6(x + 3) / 6",
        "a sigmoid out of straight pieces, as in MobileNet v3",
        Counterpart("Hardsigmoid", ignored=("inplace",)),
        Counterpart("HardSigmoid", fixed={"alpha": 1 / 6, "beta": 0.5}),
        "activation",
        bounds=(0, 1),
    )


class PReLU(LayerSpec, frozen=True, tag="prelu"):
    """``x`` where positive, ``weight * x`` elsewhere, with learned slopes (He et al. 2015).

    ``per_channel`` has a slope for each channel, otherwise one serves all.
    """

    info = LayerInfo(
        ("prelu",),
        "leaky ReLU with a learned slope",
        "learns how much of the negative values it passes on",
        Counterpart("PReLU"),
        Counterpart("PRelu"),
        "activation",
        flags=(Flag("per_channel", True, ("per-channel", "channels")),),
        brief="{0.words}",
    )

    per_channel: bool = False
    init: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.25

    @property
    def words(self) -> str:
        """The settings in short."""
        return "per channel" if self.per_channel else "one slope"


Activation = (
    ReLU | LeakyReLU | Sigmoid | Tanh | GELU | ReLU6 | ELU | SiLU | Hardswish | Hardsigmoid | PReLU
)
