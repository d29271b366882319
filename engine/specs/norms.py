"""Normalisation by the values of one image, and the scale of a branch.

A new one is a class here, its name in ``Norm``, and a row each in
:mod:`cnn_tui.engine.specs.infer` and :mod:`cnn_tui.engine.layers.lower`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.specs.info import Counterpart, Flag, LayerInfo, LayerSpec, Setting
from cnn_tui.engine.specs.sizes import Features

Epsilon = Annotated[float, msgspec.Meta(gt=0, le=1)]


class GroupNorm(LayerSpec, frozen=True, tag="groupnorm"):
    """Normalises groups of channels of each image (Wu & He 2018); a scale and shift per channel."""

    info = LayerInfo(
        ("groupnorm", "gn", "group_norm"),
        "group normalisation: GROUPS",
        "batch norm without the batch: channels in groups",
        Counterpart("GroupNorm"),
        Counterpart("GroupNormalization"),
        "same-shape",
        example="groupnorm 4",
        places=("num_groups",),
        settings=(Setting("num_groups", ("groups", "num_groups"), "g", ("8", "32")),),
        brief="{0.num_groups} groups",
        family="norm",
    )

    num_groups: Features = 1
    eps: Epsilon = 1e-5


class LayerNorm(LayerSpec, frozen=True, tag="layernorm"):
    """Normalises each image as a whole, or the channels of each pixel (Ba et al. 2016).

    Over the ``volume`` it has a scale and a shift for each value, as ``nn.LayerNorm([C, H, W])``;
    over ``channels`` for each channel, as in ConvNeXt (Liu et al. 2022).
    """

    info = LayerInfo(
        ("layernorm", "layer_norm"),
        "layer normalisation",
        "each image, or each pixel, to mean 0, spread 1",
        Counterpart("LayerNorm"),
        Counterpart("LayerNormalization"),
        "same-shape",
        example="layernorm channels",
        flags=(
            Flag("over", "channels", ("channels",)),
            Flag("over", "volume", ("volume",)),
        ),
        brief="over {0.over}",
        family="norm",
    )

    over: Literal["volume", "channels"] = "volume"
    eps: Epsilon = 1e-5


class LayerScale(LayerSpec, frozen=True, tag="layer_scale"):
    """Multiplies each channel by a learned factor that begins near zero (Touvron et al. 2021)."""

    info = LayerInfo(
        ("layer_scale", "layerscale"),
        "layer scale: INITIAL FACTOR",
        "a small factor per channel ends a residual branch",
        Counterpart("LayerScale"),
        Counterpart("Mul"),
        "elementwise",
        example="layer_scale 1e-6",
        places=("init_value",),
        settings=(Setting("init_value", ("init", "init_value"), usual=("1e-6",)),),
        brief="{0.init_value:g}",
        stem="scale",
        family="norm",
    )

    init_value: Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)] = 1e-6


Norm = GroupNorm | LayerNorm | LayerScale
