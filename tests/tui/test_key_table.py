"""The model of keys, tried with every key of the table; docs/keys.md describes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from driving import text, typed
from places import WAYS, all_keys, cells, name_of, reach, state
from runs_made import make_runs
from sweeps_made import make_sweep
from textual import events
from textual.widgets import Input

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.actions import APP, COMPARE, INSPECT, WATCH, WEIGHTS
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.build_actions import BUILD
from cnn_tui.tui.command import Command
from cnn_tui.tui.screens.help import HelpScreen
from cnn_tui.tui.sweep_actions import SWEEP
from cnn_tui.tui.widgets.bars import KeyBar

MakeApp = Callable[..., CnnTuiApp]
NEEDS_RUNS = (WATCH, COMPARE, WEIGHTS, SWEEP)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_runs(tmp_path_factory.mktemp("runs"), (), ("--lr", "0.003"))
    make_sweep(root)
    make_sweep(root, "rates")
    return root


def app_for(make_app: MakeApp, scope: str, runs: Path, none: Path, network: Network) -> CnnTuiApp:
    """The app with as little in it as the screen of a scope can have."""
    app = make_app(network)
    app.places.runs = runs if scope in NEEDS_RUNS else none / "none"
    return app


@pytest.mark.slow
@pytest.mark.parametrize(("command", "key"), all_keys(), ids=name_of)
async def test_a_key_does_something_or_says_why_not(
    make_app: MakeApp, runs: Path, tmp_path: Path, command: Command, key: str
) -> None:
    app = app_for(make_app, command.scope, runs, tmp_path, Network())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await reach(app, pilot, command.scope)
        app.clear_notifications()
        await pilot.pause()
        before = cells(app)
        await typed(pilot, key)
        await pilot.pause()
        assert cells(app) != before, f"{command.help or command.label}: nothing to be seen"
        app.training.session.stop()


@pytest.mark.slow
@pytest.mark.parametrize("scope", WAYS)
async def test_escape_goes_one_step_back_and_help_begins_here(
    make_app: MakeApp, runs: Path, tmp_path: Path, scope: str
) -> None:
    app = app_for(make_app, scope, runs, tmp_path, Network())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await reach(app, pilot, scope)
        here = app.screen
        await typed(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        own = [command for command, _ in all_keys() if command.scope == scope and command.help]
        if scope not in (APP, BUILD):
            assert own[0].help[:20] in cells(app).replace("</text>", "")
        await typed(pilot, "escape")
        assert app.screen is here
        depth = len(app.screen_stack)
        await typed(pilot, "escape")
        assert len(app.screen_stack) == max(1, depth - 1)
        if scope == INSPECT:
            assert app.current_mode == "runs"
        elif depth == 1:
            assert "main screen" in [note.message for note in app._notifications][-1]


async def test_one_sees_whether_keys_are_text(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "down")
        bar = KeyBar.__name__
        assert "typing" not in text(app, bar) and "x delete" in text(app, bar)
        await typed(pilot, "enter")
        assert text(app, bar).startswith("  typing")
        assert "esc back to the list" in text(app, bar)
        assert "quit" not in text(app, bar) and "? help" not in text(app, bar)
        await typed(pilot, *"xq?")
        assert isinstance(app.focused, Input)
        assert app.focused.value == "xq?"


async def test_tab_walks_through_the_fields_and_wrong_values_stay(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "enter", *"28x28", "tab", "tab", "enter", "shift+tab")
        entry = app.focused
        assert isinstance(entry, Input)
        assert entry.value == "28x28"
        form = " ".join(text(app, "#form").split())
        assert "input !" in form and "such as 1x28x28" in form
        await typed(pilot, "escape")
        assert [note.message for note in app._notifications] == [
            "input stays 1x8x8: '28x28' is no value."
        ]
        assert app.builder.network.input == (1, 8, 8)
        await typed(pilot, "enter", "tab", "tab", "tab")
        assert app.focused is entry and entry.value == "1x8x8", "around, within the form"
        await typed(pilot, "shift+tab")
        assert entry.value == "small"


async def test_a_wrong_value_gives_back_the_one_from_before(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.builder.network
        await typed(pilot, "t", "down", *"3x")
        assert app.builder.network == before, "also while the wrong text stays"
        await typed(pilot, "escape")
        stays = f"batch size stays {before.training.batch_size}: '3x' is no value."
        assert [note.message for note in app._notifications] == [stays]
        assert app.builder.network == before
        await typed(pilot, "u")  # nothing is left to undo
        assert app.builder.network == before


async def test_a_form_left_for_another_screen_is_closed(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "t", "down", "down", "down", "f5")
        assert app.current_mode == "train"
        await typed(pilot, "1", "2")
        assert app.current_mode == "train"
        assert app.builder.network.training.lr == 0.01


async def test_the_terminal_may_lose_the_focus_while_one_types(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "down", "enter", "1")
        app.post_message(events.AppBlur())
        await pilot.pause()
        app.post_message(events.AppFocus())
        await pilot.pause()
        await typed(pilot, "2")
        assert isinstance(app.focused, Input)
        assert app.focused.value == "12"


async def test_a_new_layer_takes_the_focus(make_app: MakeApp) -> None:
    app = make_app(Network())
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "i", *"conv", "enter", "3", "2", "escape")
        await typed(pilot, "slash", *"fc", "space", "5", "enter", "7", "escape")
        await typed(pilot, "i", *"relu", "enter", "i", *"dropout", "enter", ".", "2", "escape")
        words = [str(layer) for layer in app.builder.network.layers]
        assert "out_channels=32" in words[0] and "out_features=7" in words[1]
        assert words[2].startswith("ReLU") and "p=0.2" in words[3]


async def test_escape_leaves_volumes_and_selections(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "v", "escape")
        assert app.screen.query_one("#layers").has_focus
        await typed(pilot, "down", "shift+down")
        assert app.builder.marked
        await typed(pilot, "escape")
        assert not app.builder.marked
        before = state(app)
        await typed(pilot, "escape")
        assert state(app) == before


async def test_ctrl_c_says_how_to_quit_or_copies(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in (("ctrl+c",), ("o", "ctrl+c")):
            app.clear_notifications()
            await typed(pilot, *keys)
            assert "q quits" in [note.message for note in app._notifications][-1]
        await typed(pilot, "escape", "down", "enter")
        await typed(pilot, "ctrl+c")
        assert app.clipboard == "8"
        assert app.is_running
