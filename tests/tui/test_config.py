"""The theme: chosen in the app, seen at once, kept in the user's file, read at the next start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from runs_made import until

from cnn_tui.tui import settings
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.config import config_file, keep, read_file
from cnn_tui.tui.screens.themes import ThemePicker
from cnn_tui.tui.terminal.link import Link

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "cnn-tui" / "config.toml"


def test_the_file_is_where_users_look_for_it(file: Path) -> None:
    assert config_file() == file
    assert read_file() == ({}, "") and not file.exists()


def test_a_theme_is_kept_and_other_lines_stay(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('# mine\ntheme = "nord" # dark\n\n[later]\nx = 1\n')
    keep("theme", "cnn-tui-light")
    assert file.read_text() == '# mine\ntheme = "cnn-tui-light" # dark\n\n[later]\nx = 1\n'
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("text", ["theme = ", "\0", "theme = [[" * 999])
def test_a_wrong_file_is_one_line_of_trouble_and_set_aside(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    told, trouble = read_file()
    assert not told and str(file) in trouble and trouble.isprintable()
    aside = keep("theme", "nord")
    assert read_file() == ({"theme": "nord"}, "")
    assert aside == file.with_name("config.damaged.toml") and aside.read_text() == text
    assert keep("theme", None) is None


def test_a_file_of_an_editor_that_marks_its_bytes_is_read(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('theme = "nord"\n', "utf-8-sig")
    assert read_file() == ({"theme": "nord"}, "")
    assert keep("fps", 3) is None and read_file() == ({"theme": "nord", "fps": 3}, "")


@pytest.mark.parametrize("name", ["none such", "\x1b"])
def test_a_theme_that_is_none_is_told(name: str) -> None:
    assert settings.theme({"CNN_TUI_THEME": "nord"}) == ("nord", "")
    theme, trouble = settings.theme({"CNN_TUI_THEME": name})
    assert theme == "" and "that the app lists" in trouble and trouble.isprintable()


async def test_the_theme_is_worn_while_it_is_highlighted(make_app: MakeApp, file: Path) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("f9", "down")
        await pilot.pause()
        assert app.theme == "cnn-tui-light"
        await pilot.press("escape")
        await pilot.pause()
        assert app.theme == "cnn-tui" and not file.exists()
        await pilot.press("f9", "down", "enter")
        await until(pilot, file.exists)
        assert app.theme == "cnn-tui-light"
        assert read_file() == ({"theme": "cnn-tui-light"}, "")
        # Opened again, the list begins with it.
        await pilot.press("f9")
        await pilot.pause()
        assert isinstance(app.screen, ThemePicker) and app.screen.highlighted == "cnn-tui-light"
        assert app.theme == "cnn-tui-light"


async def test_16_colours_have_themes_of_their_own(make_app: MakeApp) -> None:
    app = make_app(link=Link(color="16"))
    async with app.run_test() as pilot:
        assert app.theme == "cnn-tui-16"
        app.put_on("cnn-tui-light")
        await pilot.pause()
        assert app.theme == "cnn-tui-light-16"
