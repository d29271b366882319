"""Dialogs: as wide as they need, centred, and nothing of the screen below beside them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from runs_made import until
from textual.widgets import OptionList, Static

from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.tui.actions import COMMANDS, TITLES, commands
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Dialog
from cnn_tui.tui.screens.palette import CommandPalette

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]

KEYS = ("o", "i", "p", "question_mark", "ctrl+p", "f9", "F", "S")


@pytest.mark.parametrize("key", KEYS)
async def test_at_80_columns_a_dialog_fills_the_width(make_app: MakeApp, key: str) -> None:
    app = make_app(load_preset("digits-convnet"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", key)
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        window = app.screen.query_one(".window").region
        assert (window.x, window.width) == (0, 80)


@pytest.mark.parametrize("key", KEYS)
async def test_with_more_room_it_is_centred(make_app: MakeApp, key: str) -> None:
    app = make_app(load_preset("digits-convnet"))
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.press("down", key)
        await pilot.pause()
        window = app.screen.query_one(".window").region
        assert abs(window.x - (140 - window.right)) <= 1
        assert abs(window.y - (45 - window.bottom)) <= 1
        assert 0 < window.x < 40


async def test_the_longest_description_of_a_preset_is_shown_whole(make_app: MakeApp) -> None:
    longest = max(preset_names(), key=lambda name: len(load_preset(name).description))
    app = make_app(load_preset("digits-convnet"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, Dialog)
        detail = screen.query_one(".detail", Static)
        window = screen.query_one(".window")
        options = screen.query_one(OptionList)
        at = next(
            at for at, option in enumerate(options.options) if longest in str(option.prompt).split()
        )
        options.highlighted = at

        def shown() -> str:
            return " ".join(detail.render_line(y).text.strip() for y in range(detail.size.height))

        await until(pilot, lambda: load_preset(longest).description in shown())
        assert detail.region.bottom < window.region.bottom


async def test_a_list_without_a_cut_line_repeats_none_below(make_app: MakeApp) -> None:
    app = make_app(load_preset("digits-convnet"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "i")
        await pilot.pause()
        assert app.screen.query_one(".window").border_title == "Insert a layer"
        assert app.screen.query_one(".detail", Static).size.height == 1
        assert not str(app.screen.query_one(".detail", Static).render())
        assert app.screen.query_one(OptionList).size.height == 14


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_help_has_as_many_columns_as_there_is_room(
    make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        columns = list(app.screen.query(".help Static"))
        assert len(columns) == (2 if size[0] == 80 else 3)
        for column in columns:
            lines = str(column.render()).splitlines()
            assert max(map(len, lines)) <= column.content_size.width


def test_the_names_of_commands_are_distinct() -> None:
    for scope in TITLES:
        first = {command.action: command for command in reversed(list(commands(scope)))}
        names = [command.title for command in first.values()]
        assert len(set(names)) == len(names), scope
    assert all(command.title[:1].isupper() for command in COMMANDS)


async def test_the_palette_is_grouped_filtered_and_runs_a_command(make_app: MakeApp) -> None:
    app = make_app(load_preset("digits-convnet"))
    async with app.run_test(size=(80, 24)) as pilot:
        before = len(app.builder.network.layers)
        await pilot.press("down", "ctrl+p")
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)
        lines = [str(option.prompt) for option in app.screen.query_one(OptionList).options]
        assert [line for line in lines if not line.startswith(" ")] == ["Build", "Everywhere"]
        assert {len(line.rstrip()) for line in lines if line.startswith(" ")} == {len(lines[1])}
        await pilot.press(*"duplicate", "enter")
        await pilot.pause()
        assert not isinstance(app.screen, Dialog)
        assert len(app.builder.network.layers) == before + 1
