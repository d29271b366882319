"""A question that is left with esc changes nothing, and without anything chosen none is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from runs_made import make_runs, until
from test_inspect_place import FACTS
from textual.pilot import Pilot
from textual.screen import Screen

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.inspect.source import SavedSource
from cnn_tui.tui.screens.inspect import InspectScreen
from cnn_tui.tui.screens.runs import RunsScreen
from cnn_tui.tui.screens.sweeps import SweepsScreen

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs(tmp_path_factory.mktemp("runs"), ())


def files(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def left(pilot: Pilot[None], screen: Screen[Any], *actions: str) -> None:
    """Ask each question of a screen, and leave it with esc."""
    for action in actions:
        getattr(screen, f"action_{action}")()
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)


async def test_questions_about_a_run(make_app: MakeApp, root: Path) -> None:
    app = make_app()
    app.places.runs = root
    before = files(root)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3")
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        await until(pilot, lambda: screen._entry is not None)
        await left(pilot, screen, "tag", "note", "rename", "delete", "reproduce", "filter")
    assert files(root) == before


@pytest.mark.parametrize(
    ("key", "screen", "actions"),
    [
        (
            "3",
            RunsScreen,
            "tag note rename delete reproduce resume go_back bin open weights mark compare "
            "build_on inspect",
        ),
        ("5", SweepsScreen, "stop resume refine"),
    ],
)
async def test_an_empty_list_asks_nothing(
    key: str, screen: type[Screen[Any]], actions: str, make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    app.places.runs = tmp_path
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(key)
        shown = app.screen
        assert isinstance(shown, screen)
        for action in actions.split():
            getattr(shown, f"action_{action}")()
            await pilot.pause()
            await app.workers.wait_for_complete()
            assert app.screen is shown, action
    assert list(tmp_path.iterdir()) == []


async def test_questions_of_inspect(
    make_app: MakeApp, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InspectScreen, "look", lambda self, *, fresh=False, start=False: None)
    app = make_app()
    app.places.runs = tmp_path
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("4")
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        for action in ("save", "choose_data", "keep", "choose_run"):
            getattr(screen, f"action_{action}")()
            await pilot.pause()
            await app.workers.wait_for_complete()
            assert app.screen is screen, "there is nothing to ask about yet"
        assert "F5 trains one" in " ".join(note.message for note in app._notifications)
        app.places.runs = root
        source = Mock(spec=SavedSource, live=False)
        fake: Any = SimpleNamespace(facts=FACTS, source=source, close=lambda: None)
        screen._inspector, screen._origin = fake, screen._source_now()
        found: Any = Mock(facts=FACTS)
        found.seen.said, found.seen.pixels = (), lambda: None
        screen._found = found
        await left(pilot, screen, "choose_image", "save", "choose_run", "choose_data")
        source.with_data.assert_not_called()
        assert screen._place.wanted.image == 0
        screen.action_choose_image()
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press("1", "7", "enter")
        await until(pilot, lambda: screen._place.wanted.image == 17)
    assert list(tmp_path.iterdir()) == []
