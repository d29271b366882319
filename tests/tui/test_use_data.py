"""The datasets on F6: enter uses one for the network in Build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from driving import text
from runs_made import until
from textual.widgets import Input

from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.screens.datasets import DataScreen
from cnn_tui.tui.widgets.table import Table


async def test_enter_uses_the_dataset_and_u_takes_it_back(make_app: Callable) -> None:
    before = load_preset("digits-convnet")
    app = make_app(before)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f6", "enter")
        assert "has this data already" in told(app)
        await pilot.press("down", "enter")
        network = app.builder.network
        assert (network.data, network.input, network.layers[-1].out_features) == (
            "shapes",
            (3, 32, 32),
            10,
        )
        assert "takes shapes now, 3x32x32" in told(app)
        await pilot.press("escape", "u")
        assert app.builder.network == before
        assert "digits" in text(app, "#layers")


async def test_o_opens_ones_own_data_from_what_is_built_in(
    make_app: Callable, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 12, 12), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", x=images, y=np.arange(30) % 3)
    app = make_app(load_preset("digits-convnet"))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f6")
        rows = text(app, "#datasets").splitlines()
        assert "folder" in rows[3], "beside what is here, not below what is to be downloaded"
        await pilot.press("o")
        app.screen.query_one(Input).value = str(tmp_path / "mine.npz")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DataScreen))
        await until(pilot, lambda: "mine.npz" in text(app, "#dataset"))
        assert app.screen.query_one(Table).chosen == "folder"
        await pilot.press("enter")
        assert "scaled to its input, 1x8x8" in told(app)
        assert app.builder.network.data == "folder"


def told(app: object) -> str:
    return "\n".join(one.message for one in app._notifications)
