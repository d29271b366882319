"""The shape doctor in Build: what is wrong, its fixes and the edit that broke it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import text, type_in

from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.widgets.doctor import Doctor

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


async def test_the_doctor_shows_the_issue_of_the_chosen_layer(make_app: MakeApp) -> None:
    broken = (
        MaxPool(kernel_size=3),
        ReLU(name="twin"),
        ReLU(name="twin"),
        FC(out_features=10),
    )
    app = make_app(Network(layers=broken))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        assert "layer 1" in text(app, "#doctor")
        await pilot.press("down", "down")
        assert "twin" in text(app, "#doctor")
        assert app.screen.query_one(Doctor).fix("z") is None


async def test_the_224_trap_is_mended_by_one_key(make_app: MakeApp) -> None:
    conv = Conv(out_channels=96, kernel_size=11, stride=4)
    trap = Network(
        input=(3, 224, 224),
        data="imagenet",
        layers=(conv, ReLU(), MaxPool(kernel_size=3, stride=2), FC(out_features=10)),
    )
    app = make_app(trap)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "(224 - 11 + 2*0)/4 + 1 = 54.25" in text(app, "#doctor")
        assert "227" in text(app, "#doctor")
        await pilot.press("a")
        assert app.builder.report.valid
        await pilot.press("u")
        assert app.builder.network == trap


async def test_a_low_window_shows_every_fix_whole(make_app: MakeApp) -> None:
    conv = Conv(out_channels=96, kernel_size=11, stride=4)
    trap = Network(input=(3, 224, 224), data="imagenet", layers=(conv, ReLU(), FC(out_features=10)))
    app = make_app(trap)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        shown = " ".join(text(app, "#doctor").split())
        fixes = app.builder.report.issues[0].fixes
        assert len(fixes) == 5
        for letter, fix in zip("abcde", fixes, strict=True):
            assert f"{letter} {fix.description}" in shown
        await pilot.press("e")
        assert app.builder.network.layers[0].rounding == "floor"
        height = app.screen.query_one("#doctor").size.height
        assert height == 5, "without an issue the list has its room back"


async def test_the_edit_that_broke_the_network_can_be_taken_back_first(make_app: MakeApp) -> None:
    lenet = load_preset("lenet5")
    app = make_app(lenet)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*["down"] * 4, "enter", "down", "down")
        await type_in(pilot, "2")
        # Another edit since hides nothing.
        await pilot.press("down", "down")
        await type_in(pilot, "1")
        await pilot.press("escape")
        assert "a  take stride 2 back to 1: all layers fit again" in text(app, "#doctor")
        await pilot.press("a")
        assert app.builder.report.valid
