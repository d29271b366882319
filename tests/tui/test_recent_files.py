"""Files opened or saved are offered again, and a damaged list is no trouble."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scripted import SMALL
from textual.widgets import Input, OptionList

from cnn_tui.engine.specs.codec import save_network
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.recent import NETWORKS

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "cnn-tui" / "recent.json"


def files(folder: Path, *names: str) -> list[Path]:
    made = [folder / name for name in names]
    for path in made:
        path.parent.mkdir(exist_ok=True)
        save_network(SMALL, path)
    return made


def test_the_last_comes_first_and_once(tmp_path: Path) -> None:
    one, two = files(tmp_path, "one.toml", "two.toml")
    for path in (one, two, one):
        NETWORKS.add(path)
    assert NETWORKS.paths() == (one, two)
    one.unlink()
    assert NETWORKS.paths() == (two,)


def test_the_list_has_an_end(tmp_path: Path) -> None:
    made = files(tmp_path, *(f"{number}.toml" for number in range(20)))
    for path in made:
        NETWORKS.add(path)
    assert NETWORKS.paths() == tuple(reversed(made))[:12]


@pytest.mark.parametrize(
    "content", ["", "{", '{"a": 1}', "[1, null, [], 2]", '["\\u0000"]', "[" * 9999]
)
def test_a_damaged_list_is_an_empty_one(state: Path, content: str, tmp_path: Path) -> None:
    state.parent.mkdir(parents=True)
    state.write_text(content)
    assert NETWORKS.paths() == ()
    (path,) = files(tmp_path, "one.toml")
    NETWORKS.add(path)
    assert NETWORKS.paths() == (path,)


def test_a_list_that_cannot_be_written_is_let_be(state: Path, tmp_path: Path) -> None:
    state.mkdir(parents=True)
    (path,) = files(tmp_path, "one.toml")
    NETWORKS.add(path)
    assert NETWORKS.paths() == ()


async def test_what_was_saved_is_offered_again(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("s")
        await pilot.pause()
        app.screen.query_one(Input).value = "mine.toml"
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("down", "x", "o")
        await pilot.pause()
        assert app.screen.query_one(OptionList).get_option_at_index(0).id == "mine.toml"
        await pilot.press("enter", "y")
        await pilot.pause()
        assert app.builder.network.layers == SMALL.layers
        assert app.builder.document.source == tmp_path / "mine.toml"


async def test_files_of_one_name_are_told_apart(make_app: MakeApp, tmp_path: Path) -> None:
    for path in files(tmp_path, "a/net.toml", "b/net.toml"):
        NETWORKS.add(path)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        options = app.screen.query_one(OptionList).options
        assert [option.id for option in options[:2]] == ["net.toml", str(tmp_path / "a/net.toml")]
