"""Opening, saving and leaving: nothing is lost without a question."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from driving import layers, settle, text, type_in
from scripted import SMALL, Script, run_events
from textual.widgets import Input, Static

from cnn_tui.engine.specs.codec import load_network, save_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Prompt, Question
from cnn_tui.tui.screens.help import HelpScreen

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_a_preset_is_opened_by_a_part_of_its_name(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        await type_in(pilot, "lenet")
        await pilot.press("enter")
        await pilot.pause()
        assert app.builder.report.total_params == 61_706
        assert "lenet5 " in text(app, "Header")
        await pilot.press("u")
        assert app.builder.network == SMALL


async def test_a_file_is_opened_by_its_path(make_app: MakeApp, folder: Path) -> None:
    save_network(SMALL, folder / "mine.toml")
    app = make_app(Network())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        await type_in(pilot, "mine.toml")
        await pilot.press("enter")
        await pilot.pause()
        assert app.builder.network == SMALL
        assert app.builder.document.source == Path("mine.toml")


@pytest.mark.parametrize("content", [None, "layers = [[[", 'name = "x"\nlayer = 3\n'])
async def test_a_file_that_cannot_be_read_is_refused_in_words(
    make_app: MakeApp, folder: Path, content: str | None
) -> None:
    if content:
        (folder / "bad.toml").write_text(content)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        await type_in(pilot, "bad.toml")
        await pilot.press("enter")
        await pilot.pause()
        assert app.builder.network == SMALL
        refused = str(app.screen.query_one(".detail", Static).render())
        assert refused.startswith("! ") and "bad" in refused
        assert app.screen.query_one(Input).value == "bad.toml"


async def test_saving_names_the_network_and_clears_the_star(
    make_app: MakeApp, folder: Path
) -> None:
    app = make_app(Network())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("i", "f", "c", "enter", "escape")
        await pilot.pause()
        assert "untitled*" in text(app, "Header")
        await pilot.press("s")
        await pilot.pause()
        app.screen.query_one(Input).value = "first.toml"
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert load_network(folder / "first.toml") == app.builder.network
        assert app.builder.network.name == "first"
        assert "first " in text(app, "Header")
        assert not app.builder.document.dirty


async def test_another_file_is_not_overwritten_without_asking(
    make_app: MakeApp, folder: Path
) -> None:
    (folder / "other.toml").write_text("precious")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for answer, kept in (("escape", True), ("y", False)):
            await pilot.press("ctrl+s")
            await pilot.pause()
            app.screen.query_one(Input).value = "other.toml"
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(app.screen, Question)
            await pilot.press(answer)
            await pilot.pause()
            assert ((folder / "other.toml").read_text() == "precious") is kept


@pytest.mark.parametrize("key", ["s", "ctrl+s"])
async def test_its_own_file_is_written_again_without_asking(
    make_app: MakeApp, folder: Path, key: str
) -> None:
    source = folder / "own.toml"
    save_network(SMALL, source)
    app = make_app(source=source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "D", key)
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert load_network(source) == app.builder.network
        assert [note.message for note in app._notifications] == [f"Saved to {source}."]
        assert not app.builder.document.dirty
        await pilot.press("u", key)
        await pilot.pause()
        assert load_network(source) == SMALL


async def test_another_name_is_asked_for_by_save_as_and_kept(
    make_app: MakeApp, folder: Path
) -> None:
    source = folder / "own.toml"
    save_network(SMALL, source)
    app = make_app(source=source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "D", "S")
        await pilot.pause()
        assert isinstance(app.screen, Prompt)
        await pilot.press("escape")
        await pilot.pause()
        assert app.builder.document.dirty
        await pilot.press("S")
        await pilot.pause()
        app.screen.query_one(Input).value = "second"
        await pilot.press("enter")
        await pilot.pause()
        assert load_network(source) == SMALL
        await pilot.press("D", "s")
        await pilot.pause()
        assert len(load_network(folder / "second.toml").layers) == 6


@pytest.mark.parametrize("content", ["layers = [[", 'name = "of another program"\n'])
async def test_a_file_changed_by_another_program_is_not_overwritten_unasked(
    make_app: MakeApp, folder: Path, content: str
) -> None:
    source = folder / "own.toml"
    save_network(SMALL, source)
    app = make_app(source=source)
    async with app.run_test(size=(80, 24)) as pilot:
        source.write_text(content)
        await pilot.press("down", "D", "s")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        await pilot.press("escape")
        await pilot.pause()
        assert source.read_text() == content
        assert app.builder.document.dirty
        await pilot.press("s", "y")
        await pilot.pause()
        assert load_network(source) == app.builder.network
        source.unlink()
        await pilot.press("D", "s")
        await pilot.pause()
        assert load_network(source) == app.builder.network


async def test_a_folder_that_is_not_there_is_told_in_the_line(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("s")
        await pilot.pause()
        app.screen.query_one(Input).value = "no/such/folder.toml"
        await pilot.press("enter")
        await pilot.pause()
        hint = str(app.screen.query_one(".hint", Static).render())
        assert "needs a folder that exists" in hint
        assert app.builder.network == SMALL


async def test_new_asks_when_there_is_something_to_lose(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "D", "n")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        await pilot.press("escape")
        await pilot.pause()
        assert len(layers(app)) == 5
        await pilot.press("n", "y")
        await pilot.pause()
        assert layers(app) == []
        await pilot.press("u")
        assert len(layers(app)) == 5


async def test_leaving_with_nothing_to_lose(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0


async def test_leaving_with_unsaved_changes_can_save_them(make_app: MakeApp, folder: Path) -> None:
    app = make_app(source=folder / "kept.toml")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "D", "q")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert len(layers(app)) == 5
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("s")
        await pilot.pause()
    assert app.return_code == 0
    assert len(load_network(folder / "kept.toml").layers) == 5


async def test_leaving_in_the_middle_of_a_run_ends_it(make_app: MakeApp) -> None:
    script = Script(run_events(), hold=5)
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        assert script.held.wait(10)
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        await pilot.press("y")
        await pilot.pause()
    assert app.training.session.join(10)
    assert app.return_code == 0


async def test_help_opens_and_closes_everywhere(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for mode in ("1", "2"):
            await pilot.press(mode, "question_mark")
            await pilot.pause()
            assert isinstance(app.screen, HelpScreen)
            await pilot.press("escape")
            await pilot.pause()
        await settle(app, pilot)
        await pilot.press("1", "down", "enter", "f1")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


async def test_a_command_is_found_by_name(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "ctrl+p")
        await pilot.pause()
        await type_in(pilot, "duplicate")
        await pilot.pause(0.5)
        await pilot.press("down", "enter")
        await pilot.pause(0.2)
        assert len(layers(app)) == 5


async def test_other_themes_can_be_chosen(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for theme in ("textual-light", "nord", "ansi-dark", "cnn-tui"):
            app.theme = theme
            await pilot.press("2", "1", "down", "enter", "escape")


@pytest.mark.parametrize("fails", ["open", "write", "fsync", "replace"])
async def test_a_disk_that_fails_in_the_middle_of_saving_takes_nothing(
    make_app: MakeApp, folder: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    source = folder / "own.toml"
    save_network(SMALL, source)
    before = source.read_bytes()
    app = make_app(source=source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "D")
        with monkeypatch.context() as patch:
            break_disk(patch, fails)
            await pilot.press("s")
            await pilot.pause()
        (note,) = app._notifications
        assert "no space left" in note.message
        assert source.read_bytes() == before
        assert [file.name for file in folder.iterdir()] == ["own.toml"]
        assert app.builder.document.dirty
        await pilot.press("s")
        await pilot.pause()
        assert load_network(source) == app.builder.network


def break_disk(patch: pytest.MonkeyPatch, fails: str) -> None:
    """A full disk, met by one of the calls that saving makes."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(storage: Storage, file: BinaryIO, data: bytes) -> None:
        file.write(data[: len(data) // 2])
        full()

    match fails:
        case "open":
            patch.setattr(Storage, "open", full)
        case "write":
            patch.setattr(Storage, "write", half)
        case "fsync":
            patch.setattr(os, "fsync", full)
        case "replace":
            patch.setattr(Path, "replace", full)
