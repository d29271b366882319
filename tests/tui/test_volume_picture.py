"""The network drawn as volumes: to scale, in order, with the chosen layer lit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import text, type_in

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv, MaxPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.volumes import GAP, to_scale, volumes, window

MakeApp = Callable[..., CnnTuiApp]


def test_layers_that_keep_their_volume_are_drawn_with_it() -> None:
    lenet = load_preset("lenet5")
    found = volumes(lenet, check(lenet))
    assert [one.layers for one in found[:4]] == [(0,), (1, 2), (3,), (4, 5)]
    assert found[1].shape == (6, 28, 28)


def test_sizes_are_to_scale() -> None:
    layers = (Conv(out_channels=64, kernel_size=1), MaxPool(), Conv(out_channels=32, kernel_size=1))
    network = Network(input=(16, 32, 32), layers=(*layers, FC(out_features=10)))
    blocks = to_scale(volumes(network, check(network)), 78, 24)
    assert [block.height for block in blocks[:4]] == [24, 24, 12, 12]
    assert [block.width for block in blocks] == [4, 14, 14, 7, 1]


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("columns", [58, 78, 118])
def test_every_preset_fits_around_every_layer(name: str, columns: int) -> None:
    network = load_preset(name)
    blocks = to_scale(volumes(network, check(network)), columns, 24)
    for chosen in range(len(blocks)):
        seen = [blocks[at].width for at in window(blocks, chosen, columns)]
        assert chosen in window(blocks, chosen, columns)
        assert sum(seen) + GAP * (len(seen) - 1) <= columns


def test_long_networks_show_what_is_around_the_chosen_layer() -> None:
    layers = tuple(Conv(out_channels=8 + at % 2, kernel_size=1) for at in range(300))
    network = Network(layers=layers)
    blocks = to_scale(volumes(network, check(network)), 78, 24)
    seen = window(blocks, 150, 78)
    assert seen.start > 100
    assert seen.stop < 200


async def test_the_picture_takes_the_place_of_the_list(make_app: MakeApp) -> None:
    app = make_app(load_preset("lenet5"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        assert not app.screen.query_one("#layers").region
        assert "0  input  1x28x28" in text(app, "#picture")
        await pilot.press("right", "right", "right")
        assert "3  maxpool  6x14x14" in text(app, "#picture")
        await pilot.press("x")
        assert "1, 2, 3  conv" not in text(app, "#picture")
        assert len(app.builder.network.layers) == 10
        await pilot.press("u", "slash")
        await type_in(pilot, "relu")
        await pilot.press("escape", "v")
        assert app.screen.query_one("#layers").has_focus
        assert app.builder.network == load_preset("lenet5")


@pytest.mark.parametrize("presses", [0, 5, 20])
async def test_labels_are_whole_and_leave_no_long_gap(make_app: MakeApp, presses: int) -> None:
    network = load_preset("mobilenet_v3_small")
    drawn = volumes(network, check(network))
    numbers = [str(one.layers[0]) for one in drawn]
    app = make_app(network)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v", *(["right"] * presses))
        labels = text(app, "#picture").splitlines()[-3].split()
        assert labels == [number for number in numbers if number in labels]
        assert numbers[presses] in labels
        assert len(labels) > len(numbers) / 2


async def test_behind_a_fault_the_picture_ends(make_app: MakeApp) -> None:
    app = make_app(Network(layers=(MaxPool(kernel_size=3), FC(out_features=10))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "v")
        assert "unknown" in text(app, "#picture")
        await pilot.press("a")
        assert "1  maxpool" in text(app, "#picture")
        await pilot.press("enter", "escape")
        assert app.screen.query_one("#layers").has_focus
