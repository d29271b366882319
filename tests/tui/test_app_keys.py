"""Keys in no sensible order, some before the app has done with the one before."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import layers, text
from scripted import SMALL
from textual.events import Key
from textual.widgets import Input

from cnn_tui.engine.specs.layers import Conv
from cnn_tui.engine.specs.network import Softmax
from cnn_tui.tui.actions import COMMANDS
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.build import BuildScreen

MakeApp = Callable[..., CnnTuiApp]
# No page keys: Textual's own palette breaks on them in a terminal that shows nothing of it.
OTHERS = "up down left right tab escape backspace home end 0 5 m r y a b c"
KEYS = sorted({key for command in COMMANDS for key in command.keys.split(",")} - {"q", "ctrl+q"})
KEYS += OTHERS.split()
SIZES = ((1, 1), (60, 18), (80, 24), (120, 40))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_no_sequence_of_keys_breaks_the_app(make_app: MakeApp, seed: int) -> None:
    chance = random.Random(seed)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for step in range(120):
            key = chance.choice(KEYS)
            if chance.random() < 0.3:
                app.simulate_key(key)
            else:
                await pilot.press(key)
            if step % 30 == 0:
                await pilot.resize_terminal(*chance.choice(SIZES))
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.training.session.join(10)
        while app.builder.undo():
            pass
        assert app.builder.network == SMALL


async def test_typing_ahead_of_a_window_goes_into_it(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        for key in ("i", *"dropout", "enter"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        for _ in range(5):
            await pilot.pause()
        assert layers(app) == ["Conv", "Dropout", "ReLU", "MaxPool", "FC"]


async def test_typing_ahead_of_the_form_goes_into_it(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        for key in ("enter", "2", "4"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        for _ in range(5):
            await pilot.pause()
        assert app.builder.network.layers[0] == Conv(out_channels=24, kernel_size=3, padding=1)


async def test_enter_pressed_twice_closes_one_window(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("i", "r", "e")
        app.simulate_key("enter")
        app.simulate_key("enter")
        await pilot.pause()
        assert isinstance(app.screen_stack[0], BuildScreen)
        assert len(app.builder.network.layers) == 5


async def test_undo_of_the_choice_that_brought_the_field_being_edited(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("end", "up", "enter", "s", "down")
        await pilot.pause()
        assert "delta" in text(app, "#form")
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert app.builder.network.loss == Softmax()
        assert "label smoothing" in text(app, "#form")
        assert isinstance(app.focused, Input)
        assert app.focused.value == "softmax"
