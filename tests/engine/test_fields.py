"""Receptive fields: a value changes with the pixels in its field, and with no others."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from samples import network, random_images, randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.insight.fields import AxisField, fields
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.layers import AvgPool, Conv, GlobalAvgPool, Layer, Residual, Tanh
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.specs.shaping import Pad

CHAINS: dict[str, tuple[Layer, ...]] = {
    "unpadded": (Conv(out_channels=2, kernel_size=3), Tanh(), Conv(out_channels=2, kernel_size=3)),
    "strides and padding": (
        Conv(out_channels=2, kernel_size=(3, 5), stride=(2, 1), padding=(1, 2), rounding="floor"),
        AvgPool(kernel_size=2, rounding="floor"),
        Conv(out_channels=2, kernel_size=3, padding=1),
    ),
    "dilation": (Conv(out_channels=2, kernel_size=3, dilation=2, padding=1),),
    "a block": (
        Conv(out_channels=2, kernel_size=3, padding=1),
        Residual(
            branch=(
                Conv(out_channels=2, kernel_size=3, stride=2, padding=1, rounding="floor"),
                Tanh(),
                Conv(out_channels=2, kernel_size=3, padding=1),
            ),
            shortcut="projection",
            stride=2,
        ),
    ),
    "padding as a layer": (
        Pad(padding=(1, 0, 2, 0)),
        DWConv(kernel_size=3, stride=2, rounding="floor"),
        AvgPool(kernel_size=3, stride=2, rounding="ceil"),
    ),
    "to a size that divides": (
        Conv(out_channels=2, padding="same"),
        AdaptiveAvgPool(output_size=(13, 4)),
    ),
    "the whole image": (Conv(out_channels=2), GlobalAvgPool()),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_value_changes_with_the_pixels_of_its_field_only(name: str) -> None:
    described = network((1, 13, 12), *CHAINS[name], classes=2)
    image = random_images(described.input, 1)
    _, height, width = described.input
    with closing(build(described, dtype=np.float64)) as model:
        randomize(model)
        with model.opened(image) as inside:
            for layer, (rows, columns) in fields(described).items():
                inside.see(image)
                before = inside.output(layer)
                if before.ndim != 4:
                    continue
                row, column = (size // 2 for size in before.shape[2:])
                top, bottom = rows.pixels(row, height)
                left, right = columns.pixels(column, width)
                outside = np.ones_like(image)
                outside[..., top:bottom, left:right] = 0
                inside.see(image + outside)
                after = inside.output(layer)
                # Sums over a padded map may be cut into other products.
                np.testing.assert_allclose(
                    after[..., row, column], before[..., row, column], rtol=1e-12
                )
                for edge in ((top, left), (top, right - 1), (bottom - 1, left)):
                    changed = image.copy()
                    changed[..., edge[0], edge[1]] += 1
                    inside.see(changed)
                    assert inside.output(layer)[..., row, column].tolist() != (
                        before[..., row, column].tolist()
                    ), (layer, edge)


@pytest.mark.parametrize("described", map(load_preset, preset_names()), ids=lambda net: net.name)
def test_sizes_are_those_of_the_check(described: Network) -> None:
    found = fields(described)
    layers = [inner for layer in check(described).layers for inner in layer.walk()]
    reports = [layer for layer in layers if layer.type != "repeat"]
    assert {name: max(f.rows.size, f.columns.size) for name, f in found.items()} == {
        report.name: report.receptive_field for report in reports
    }


def test_the_field_of_a_value_at_the_border_ends_there() -> None:
    field = AxisField(size=5, jump=2, start=-2)
    assert field.pixels(0, 28) == (0, 3)
    assert field.pixels(3, 28) == (4, 9)
    assert field.pixels(13, 28) == (24, 28)
