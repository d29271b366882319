"""Data that a network does not fit: told with its classes, and one key fits the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from driving import text
from scripted import SMALL
from textual.pilot import Pilot

from cnn_tui.engine.specs.layers import FC
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.session import train

pytestmark = pytest.mark.slow


@pytest.fixture
def app(make_app: Callable[..., CnnTuiApp], tmp_path: Path) -> CnnTuiApp:
    """The app on a network of ten scores, whose data has the labels 1 to 3."""
    labels = 1 + np.arange(60) % 3
    pixels = np.random.default_rng(0).integers(0, 256, (60, *SMALL.input[1:])).astype("u1")
    np.savez(tmp_path / "mine.npz", x=pixels, y=labels)
    training = msgspec.structs.replace(SMALL.training, epochs=1)
    return make_app(
        msgspec.structs.replace(SMALL, data=str(tmp_path / "mine.npz"), training=training),
        runner=train,
    )


async def asked(app: CnnTuiApp, pilot: Pilot[None]) -> str:
    await pilot.press("f5")
    for _ in range(1000):
        app.poll()
        await pilot.pause(0.01)
        if isinstance(app.screen, Question):
            return str(app.screen.query("Static").first().render())
    raise AssertionError("nothing was asked")


async def test_one_key_fits_the_last_layer_and_trains(app: CnnTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert "10 scores, but the data has 3 classes" in await asked(app, pilot)
        await pilot.press("f")
        await pilot.pause()
        assert app.training.session.join(30)
        app.poll()
        last = app.builder.network.layers[-1]
        assert isinstance(last, FC) and last.out_features == 3
        assert app.training.board.ended and app.training.board.ended.reason == "completed"
        await pilot.pause()
        assert "begin at 1" in text(app, "#log")
        await pilot.press("1", "u")
        last = app.builder.network.layers[-1]
        assert isinstance(last, FC) and last.out_features == 10


async def test_whoever_leaves_the_question_keeps_the_network(app: CnnTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.builder.network
        await asked(app, pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert app.builder.network == before and not app.training.active
