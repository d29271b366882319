"""Dialogs: what they say when a text is wrong, when nothing matches, and on leaving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from driving import done, settle, text, typed
from places import cells, reach
from runs_made import make_runs, until
from scripted import SMALL, Script, run_events, started
from textual.widgets import Input

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.actions import RUNS
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.screens.dialog import Prompt, Question

MakeApp = Callable[..., CnnTuiApp]


def shown(app: CnnTuiApp, selector: str) -> str:
    return str(app.screen.query_one(selector).render())


async def test_a_list_without_a_match_describes_nothing(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "o")
        assert shown(app, ".detail")
        await typed(pilot, *"nosuch")
        assert shown(app, ".detail") == (
            "Nothing in this list matches. Enter takes it as the path of a file."
        )
        await typed(pilot, *["backspace"] * 6, *"lenet")
        assert "LeNet-5" in shown(app, ".detail")


@pytest.mark.parametrize("keys", [("o",), ("5", "f5")], ids=["open", "sweep"])
async def test_a_path_that_leads_nowhere_stays_in_its_line(
    keys: tuple[str, ...], make_app: MakeApp
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        await until(pilot, lambda: bool(app.screen.query(".detail")))
        await typed(pilot, *"nosuch.toml", "enter")
        assert shown(app, ".detail").startswith("! There is no ")
        assert app.screen.query_one(Input).value == "nosuch.toml"
        await typed(pilot, "backspace")
        assert shown(app, ".detail").startswith("Nothing in this list matches")


async def test_enter_inserts_a_pattern_from_its_settings_too(make_app: MakeApp) -> None:
    app = make_app(Network(input=(3, 32, 32), data="cifar10"))
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "p")
        assert "cifar10" in text(app, "#expanded")
        await typed(pilot, "tab", "1", "tab", "x")
        await typed(pilot, "enter", "tab")
        form = " ".join(text(app, "#options").split())
        assert "needs a whole number" in form, "a wrong value keeps the dialog open"
        await typed(pilot, "backspace", "2", "enter")
        assert len(app.screen_stack) == 1
        assert len(app.builder.network.layers) == 9


@pytest.mark.slow
async def test_a_wrong_text_stays_in_its_line_with_an_example(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    app.places.runs = make_runs(tmp_path, ())
    async with app.run_test(size=(80, 24)) as pilot:
        await reach(app, pilot, RUNS)
        await until(pilot, lambda: "quick-1" in cells(app))
        for key, wrong, words in (
            ("R", "many", "epochs"),
            ("R", "1", "no later epoch"),
            ("r", "a b", "letters, digits"),
        ):
            await typed(pilot, key, *wrong.replace(" ", "?"), "enter")
            assert isinstance(app.screen, Prompt)
            assert app.screen.query_one(Input).value == wrong.replace(" ", "?")
            assert shown(app, ".hint").startswith("!")
            assert words in shown(app, ".hint")
            await typed(pilot, "escape")


@pytest.mark.parametrize(("at", "words"), [("", "is a folder"), ("no/x.toml", "needs a folder")])
async def test_a_network_is_saved_only_where_there_is_a_folder(
    make_app: MakeApp, tmp_path: Path, at: str, words: str
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 24)) as pilot:
        await typed(pilot, "S")
        app.screen.query_one(Input).value = str(tmp_path / at)
        await typed(pilot, "enter")
        assert isinstance(app.screen, Prompt) and words in shown(app, ".hint")


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("edited", [False, True])
async def test_leaving_while_training_offers_to_train_on(
    make_app: MakeApp, edited: bool, kept: bool
) -> None:
    first = msgspec.structs.replace(started(), path="small-1" if kept else "")
    script = Script([first, *run_events()[1:]], hold=5)
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, *["down", "D"] * edited, "f5")
        assert script.held.wait(10)
        await typed(pilot, "q")
        assert isinstance(app.screen, Question)
        asked = cells(app)
        assert "A run is active" in asked
        assert ("trains on without the app" in asked) is kept, "one in no folder cannot"
        assert ("unsaved changes" in asked) is edited
        await typed(pilot, "enter")
        (note,) = app._notifications
        assert note.message == f"The keys here are {'d, ' * kept}y{', s' * edited} and esc."
        await typed(pilot, "escape")
        assert app.is_running
        script.go.set()
        await settle(app, pilot)


async def test_a_second_start_asks_which_weights(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.builder.latest = Trained(RunFolder(Path("small-1")), SMALL)
        await typed(pilot, "f5")
        await done(pilot)
        assert isinstance(app.screen, Question)
        assert "start afresh, from random weights" in cells(app)
