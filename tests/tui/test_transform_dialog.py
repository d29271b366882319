"""Layers rewritten as others: compared, proved, and only then taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import text
from textual.pilot import Pilot

from cnn_tui.engine.specs.layers import FC, AvgPool, Conv, GlobalAvgPool, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


async def proof(app: CnnTuiApp, pilot: Pilot[None]) -> str:
    """Open the dialog and wait for its verdict."""
    await pilot.press("T")
    for _ in range(400):
        shown = text(app, "CandidateList")
        if "proving" not in shown:
            return shown
        await pilot.pause(0.01)
    raise AssertionError("no proof in four seconds")


async def test_fc_becomes_conv_with_a_proof(make_app: MakeApp) -> None:
    lenet = load_preset("lenet5")
    app = make_app(lenet)
    async with app.run_test(size=(80, 24)) as pilot:
        app.builder.find("7")
        shown = await proof(app, pilot)
        assert "fc 120" in shown
        assert "conv 120 5x5" in shown
        assert "Equal on 4 random images: scores up to" in shown
        await pilot.press("enter")
        assert app.builder.network.layers[6] == Conv(out_channels=120, kernel_size=5)
        assert app.builder.report.total_params == 61_706
        await pilot.press("u")
        assert app.builder.network == lenet


async def test_long_rows_and_verdicts_are_wrapped(make_app: MakeApp) -> None:
    layers = (
        Conv(out_channels=16, kernel_size=7, padding="same"),
        ReLU(),
        GlobalAvgPool(),
        FC(out_features=10),
    )
    app = make_app(Network(input=(16, 32, 32), layers=layers))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        shown = " ".join((await proof(app, pilot)).split())
        assert "Afterwards, layer 3" in shown
        assert "not proved: the matrix would have 16,384 x 16,384" in shown
        assert "At most" in shown and "activations kept" in shown, "nothing is cut off"
        await pilot.press("down")
        stack = " | ".join(["conv 16 3x3 pad same"] * 3).replace("same |", "same | relu |")
        assert stack in " ".join(text(app, "CandidateList").split())


async def test_a_proof_that_is_awaited_is_not_skipped(make_app: MakeApp) -> None:
    app = make_app(load_preset("lenet5"))
    async with app.run_test(size=(80, 24)) as pilot:
        app.builder.find("7")
        await pilot.press("T", "enter")
        before = app.builder.network
        await pilot.press("escape")
        assert app.builder.network == before or before.layers[6] != FC(out_features=120)


async def test_a_large_kernel_becomes_a_stack(make_app: MakeApp) -> None:
    layers = (Conv(out_channels=8, kernel_size=7, padding=3), ReLU(), FC(out_features=10))
    app = make_app(Network(layers=layers))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        shown = await proof(app, pilot)
        assert "Afterwards, layer" not in shown
        assert "are zero" in shown
        await pilot.press("down")
        for _ in range(400):
            shown = text(app, "CandidateList")
            if "to be trained again" in shown:
                break
            await pilot.pause(0.01)
        rows = {row[:18].strip(): row[18:].split() for row in shown.splitlines()}
        assert rows["receptive field"] == ["7", "7"]
        assert rows["layers"] == ["1", "5"]
        await pilot.press("enter")
        assert [type(one).__name__ for one in app.builder.network.layers[:5]] == [
            "Conv",
            "ReLU",
            "Conv",
            "ReLU",
            "Conv",
        ]


async def test_a_matrix_that_has_no_place_is_shown_and_refused(make_app: MakeApp) -> None:
    lenet = load_preset("lenet5")
    app = make_app(lenet)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        shown = await proof(app, pilot)
        assert "needs a volume" in shown
        assert "a matrix of 4,704 x 784 = 3,687,936 entries" in shown
        await pilot.press("enter", "escape")
        assert app.builder.network == lenet


async def test_a_pool_becomes_a_strided_conv(make_app: MakeApp) -> None:
    app = make_app(Network(layers=(AvgPool(), FC(out_features=10))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        assert "Equal on" in await proof(app, pilot)
        await pilot.press("enter")
        assert app.builder.network.layers[0] == Conv(out_channels=1, kernel_size=2, stride=2)


async def test_what_cannot_be_transformed_is_told(make_app: MakeApp) -> None:
    broken = (MaxPool(kernel_size=3), ReLU(), FC(out_features=10))
    app = make_app(Network(layers=broken))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("T", "down", "down", "T")
        assert len(app.screen_stack) == 1
        await pilot.press("up", "T")
        assert "Fix that first" in " ".join(text(app, "CandidateList").split())
        await pilot.press("enter", "escape")
        assert app.builder.network.layers == broken
