"""A residual block as a nested list: its branch, its shortcut and the sum of both."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import text, type_in

from cnn_tui.engine.specs.layers import FC, Conv, ReLU, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.app import CnnTuiApp

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
CONV = Conv(out_channels=16, kernel_size=3, padding=1)
BLOCK = Residual(branch=(CONV, ReLU(), CONV))
NETWORK = Network(input=(16, 8, 8), data="maps", layers=(BLOCK, ReLU(), FC(out_features=10)))


def block_of(app: CnnTuiApp) -> Residual:
    block = app.builder.network.layers[0]
    assert isinstance(block, Residual)
    return block


async def test_the_shortcut_has_a_row_and_a_form(make_app: MakeApp) -> None:
    app = make_app(NETWORK)
    async with app.run_test(size=(80, 24)) as pilot:
        rows = text(app, "#layers").splitlines()
        assert [" 1.3 " in row for row in rows].index(True) + 1 == 6
        assert "+" in rows[6]
        assert "identity" in rows[6]
        assert "16x8x8" in rows[6]
        await pilot.press(*["down"] * 5)
        assert app.builder.row.key == "1 shortcut"
        assert "equal shapes: added" in text(app, "#form")
        await pilot.press("enter", "p")
        await pilot.pause()
        assert block_of(app).shortcut == "projection"
        assert "288" in text(app, "#layers").splitlines()[6]


async def test_sides_that_differ_are_shown_where_they_are_added(make_app: MakeApp) -> None:
    app = make_app(NETWORK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*["down"] * 4, "enter")
        await type_in(pilot, "32")
        await pilot.press("escape", "down")
        assert "! 16x8x8" in text(app, "#layers").splitlines()[6]
        assert "shapes differ" in text(app, "#form")
        assert "only equal shapes" in text(app, "#doctor")
        await pilot.press("a")
        assert app.builder.report.valid


async def test_layers_go_into_every_place_of_a_block(make_app: MakeApp) -> None:
    app = make_app(NETWORK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "I")
        await type_in(pilot, "tanh")
        await pilot.press("enter")
        assert type(block_of(app).branch[0]).__name__ == "Tanh"
        await pilot.press("down", "down", "down", "down", "slash")
        assert app.builder.row.key == "1 shortcut"
        await type_in(pilot, "bn | sigmoid")
        await pilot.press("enter")
        assert [type(one).__name__ for one in block_of(app).branch[4:]] == ["BatchNorm", "Sigmoid"]
        await pilot.press("K", "x", "x")
        assert block_of(app).branch[1:] == BLOCK.branch


async def test_a_block_emptied_can_be_filled_again(make_app: MakeApp) -> None:
    app = make_app(NETWORK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "x", "x", "x")
        assert block_of(app).branch == ()
        assert "its branch has no layers" in text(app, "#doctor")
        app.builder.find("1 shortcut")
        await pilot.press("slash")
        await type_in(pilot, "relu")
        await pilot.press("enter")
        assert block_of(app).branch == (ReLU(),)
        assert app.builder.report.valid


async def test_a_selection_that_reaches_out_of_a_block_takes_the_whole_block(
    make_app: MakeApp,
) -> None:
    app = make_app(NETWORK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*["down"] * 4, "shift+down", "shift+down")
        assert app.builder.selected == (BLOCK, ReLU())
        await pilot.press("x")
        assert app.builder.network.layers == (FC(out_features=10),)
