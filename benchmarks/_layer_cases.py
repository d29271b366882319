"""The cases of ``layers.py``: published shapes of every type of layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick


class Case(NamedTuple):
    """Layers in the quick notation, the input of one image that they get, and the batch."""

    group: str
    layers: str
    input: tuple[int, int, int]
    batch: int
    first: bool = False
    """Whether the layers get the images themselves, and so compute no gradient for them."""

    @property
    def bare(self) -> Network:
        """The layers alone."""
        return Network(input=self.input, layers=parse_quick(self.layers))

    @property
    def network(self) -> Network:
        """The layers in their frame."""
        channels, height, width = self.input
        before = () if self.first or height == 1 else parse_quick(f"conv {channels} 1x1")
        output = check(self.bare).layers[-1].output
        small = "conv 8 3x3 s4 floor" if len(output) == 3 and output[1] > 2 else ""
        return Network(
            input=(3, height, width) if before else self.input,
            layers=(*before, *parse_quick(self.layers), *parse_quick(small), *parse_quick("fc 10")),
        )

    @property
    def name(self) -> str:
        return f"{self.layers}, {'x'.join(map(str, self.input))}, {self.batch}"


EXCITE = "parallel { } { gap | conv 24 1x1 | relu | conv 96 1x1 | sigmoid } multiply"
"""Squeeze and excitation."""


def _rows() -> Iterator[Case]:
    for batch, side, layers in (
        (64, (16, 32, 32), "conv 16 3x3 same"),
        (64, (32, 32, 32), "conv 32 3x3 same"),
        (64, (64, 32, 32), "conv 64 3x3 same"),
        (16, (64, 56, 56), "conv 64 3x3 same"),
        (16, (128, 28, 28), "conv 128 3x3 same"),
        (16, (256, 14, 14), "conv 256 3x3 same"),
        (16, (512, 7, 7), "conv 512 3x3 same"),
        (16, (64, 56, 56), "conv 256 1x1 | conv 64 1x1"),
        (16, (512, 7, 7), "conv 2048 1x1 | conv 512 1x1"),
        (16, (64, 56, 56), "conv 128 3x3 s2 p1 floor"),
        (16, (96, 27, 27), "conv 256 5x5 p2"),
        (16, (64, 32, 32), "conv 64 3x3 p2 d2"),
        (16, (128, 28, 28), "conv 128 3x3 p1 g32"),
    ):
        yield Case("conv", layers, side, batch)
    for batch, side, layers in (
        (64, (1, 28, 28), "conv 6 5x5 p2"),
        (64, (3, 32, 32), "conv 32 3x3 same"),
        (8, (3, 224, 224), "conv 32 3x3 s2 p1 floor"),
        (8, (3, 224, 224), "conv 64 7x7 s2 p3 floor"),
        (8, (3, 224, 224), "conv 96 4x4 s4"),
        (16, (3, 227, 227), "conv 96 11x11 s4"),
    ):
        yield Case("first", layers, side, batch, first=True)
    for batch, side, layers in (
        (8, (32, 112, 112), "dwconv 3x3 same"),
        (8, (128, 56, 56), "dwconv 3x3 same"),
        (16, (512, 14, 14), "dwconv 3x3 same"),
        (8, (144, 56, 56), "dwconv 3x3 s2 p1 floor"),
        (16, (240, 14, 14), "dwconv 5x5 same"),
        (8, (96, 56, 56), "dwconv 7x7 same"),
        (8, (384, 14, 14), "dwconv 7x7 same"),
    ):
        yield Case("depthwise", layers, side, batch)
    for batch, side, layers in (
        (64, (32, 32, 32), "maxpool 2"),
        (8, (64, 55, 55), "maxpool 3x3 s2"),
        (8, (64, 112, 112), "maxpool 3x3 s2 p1 floor"),
        (8, (192, 28, 28), "maxpool 3x3 s1 p1"),
        (16, (128, 56, 56), "avgpool 2"),
        (8, (192, 28, 28), "avgpool 3x3 s1 p1"),
        (16, (64, 56, 56), "gap"),
        (16, (512, 7, 7), "gap"),
        (16, (256, 13, 13), "adaptive_avgpool 6"),
        (16, (64, 56, 56), "gmp"),
    ):
        yield Case("pool", layers, side, batch)
    for batch, side, layers in (
        (16, (64, 56, 56), "bn"),
        (16, (64, 56, 56), "bn | relu"),
        (64, (16, 32, 32), "bn | relu"),
        (16, (64, 56, 56), "bn | relu | bn | relu"),
        (16, (512, 7, 7), "bn | relu"),
        (8, (64, 112, 112), "bn | relu | maxpool 3x3 s2 p1 floor"),
        (16, (256, 14, 14), "groupnorm 32"),
        (8, (96, 56, 56), "layernorm channels"),
        (16, (256, 14, 14), "layernorm"),
        (8, (64, 56, 56), "lrn"),
    ):
        yield Case("norm", layers, side, batch)
    for layers in (
        "relu",
        "leaky_relu 0.1",
        "prelu",
        "relu6",
        "elu",
        "tanh",
        "sigmoid",
        "gelu exact",
        "gelu tanh-form",
        "silu",
        "hardswish",
        "hardsigmoid",
    ):
        yield Case("activation", layers, (32, 56, 56), 16)
    for batch, side, layers in (
        (16, (256, 14, 14), "dropout 0.5"),
        (16, (256, 14, 14), "stochastic_depth 0"),
        (16, (64, 56, 56), "parallel { } { } add"),
        (64, (16, 32, 32), "parallel { } { } add | relu"),
        (16, (64, 28, 28), "parallel { } { }"),
        (
            16,
            (96, 28, 28),
            "parallel { } { gap | conv 24 1x1 | relu | conv 96 1x1 | sigmoid } multiply",
        ),
        (8, (96, 56, 56), "layer_scale"),
        (16, (64, 56, 56), "pad 1"),
        (16, (64, 56, 56), "pad 1 reflect"),
        (16, (116, 28, 28), "channel_shuffle 2"),
    ):
        yield Case("other", layers, side, batch)
    for batch, features, layers in (
        (32, 784, "fc 128 | relu | fc 64"),
        (64, 400, "fc 120 | relu | fc 84"),
        (64, 3072, "fc 4096 | fc 4096"),
        (16, 9216, "fc 4096"),
    ):
        yield Case("fc", layers, (features, 1, 1), batch)


CASES = tuple(_rows())
