"""The well-known networks in the order of their invention, each with the one idea that it added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv, DWConv
from cnn_tui.engine.specs.placed import Placed, place_network
from cnn_tui.engine.specs.presets import load_preset


class Ancestor(NamedTuple):
    """A network of the literature."""

    name: str
    year: int
    idea: str
    """The one idea that it added."""
    paper: str
    preset: str = ""
    """Name of the preset; empty if there is none."""


ANCESTORS = (
    Ancestor(
        "Neocognitron",
        1980,
        "local features found everywhere by the same cells, then pooled; not yet trained by "
        "gradients",
        "Fukushima 1980",
    ),
    Ancestor(
        "LeNet-5",
        1998,
        "filters and classifier trained together by backpropagation",
        "LeCun et al. 1998",
        "lenet5",
    ),
    Ancestor(
        "AlexNet",
        2012,
        "large and deep at once: ReLU, dropout, a million images, GPUs",
        "Krizhevsky et al. 2012",
        "alexnet",
    ),
    Ancestor(
        "ZFNet",
        2013,
        "look inside first: smaller filters and stride in the first layer, by what they showed",
        "Zeiler and Fergus 2013",
        "zfnet",
    ),
    Ancestor(
        "VGG-16",
        2014,
        "only 3x3 filters, stacked: the same reach with fewer parameters and more ReLUs",
        "Simonyan and Zisserman 2015",
        "vgg16",
    ),
    Ancestor(
        "GoogLeNet",
        2014,
        "windows of several sizes side by side, 1x1 filters before them to save work",
        "Szegedy et al. 2015",
        "googlenet",
    ),
    Ancestor(
        "All-CNN-C",
        2015,
        "no pooling and no fc layers: strides and a global average do as well",
        "Springenberg et al. 2015",
        "all-conv",
    ),
    Ancestor(
        "ResNet-20",
        2015,
        "shortcuts: each block learns a correction, so that depth no longer hurts (CIFAR form)",
        "He et al. 2016",
        "resnet20",
    ),
    Ancestor(
        "ResNet-50",
        2015,
        "the same at 50 layers, with 1x1 filters that narrow each block",
        "He et al. 2016",
        "resnet50",
    ),
)


class FamilyRow(msgspec.Struct, frozen=True):
    """A network of the literature with its sizes; those are None without a preset."""

    name: str
    year: int
    idea: str
    paper: str
    preset: str = ""
    depth: int | None = None
    """Layers with weights on the longest way from image to scores."""
    params: int | None = None
    macs: int | None = None
    """Multiply-adds of an image."""
    receptive_field: int | None = None
    """Pixels of the image that a value of the last convolution or pool depends on."""
    input: tuple[int, int, int] | None = None


def family() -> tuple[FamilyRow, ...]:
    """The table, in the order of invention."""
    return tuple(_row(ancestor) for ancestor in ANCESTORS)


def _row(ancestor: Ancestor) -> FamilyRow:
    if not ancestor.preset:
        return FamilyRow(*ancestor)
    network = load_preset(ancestor.preset)
    report = check(network)
    volumes = (layer for layer in report.layers if layer.output and len(layer.output) == 3)
    reaches = [layer.receptive_field for layer in volumes if layer.type != "global_avgpool"]
    return FamilyRow(
        *ancestor,
        depth=_depth(place_network(network, report)),
        params=report.total_params,
        macs=report.total_macs,
        receptive_field=reaches[-1],
        input=network.input,
    )


def _depth(layers: Iterable[Placed]) -> int:
    """Layers with weights on the longest way; norms do not count."""
    return sum(
        max(map(_depth, placed.branches), default=0) + isinstance(placed.layer, Conv | DWConv | FC)
        for placed in layers
    )
