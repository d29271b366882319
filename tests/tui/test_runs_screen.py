"""The history in the app: the list and what can be done with its runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import text
from run_list import history, names, type_over
from runs_made import crash, make_runs, until
from textual.widgets import OptionList, Static

from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.tui.actions import COMPARE, RUNS, WATCH, commands
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Prompt, Question
from cnn_tui.tui.screens.help import HelpScreen
from cnn_tui.tui.screens.runs import RunsScreen
from cnn_tui.tui.screens.watch import WatchScreen
from cnn_tui.tui.widgets.bars import KeyBar

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_runs(tmp_path_factory.mktemp("runs"), (), ("--lr", "0.003"), ("--seed", "5"))
    crash(root / "quick-3")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


async def test_the_list_tells_every_run(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        assert names(app) == ["quick-3", "quick-2", "quick-1"]
        assert "crashed" in text(app, "#runs").splitlines()[1]
        assert "3/3" in text(app, "#runs").splitlines()[2]
        assert "▁" in text(app, "#runs")
        assert "3 runs" in text(app, "#listing")
        assert "process ended" in text(app, "#run")
        await pilot.press("down")
        await pilot.pause()
        assert "lr 0.003" in text(app, "#run")
        assert "completed" in text(app, "#run")


async def test_an_empty_history_says_how_to_begin(make_app: MakeApp, tmp_path: Path) -> None:
    async with history(make_app, tmp_path / "none") as (app, pilot):
        assert "F5 in Build starts one" in text(app, "#runs")
        await pilot.press("enter", "m", "c", "s", "x", "R", "t", "n", "r", "down")
        assert isinstance(app.screen, RunsScreen)


async def test_sort_and_filter(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("s")
        await pilot.pause()
        assert names(app) == ["quick-1", "quick-2", "quick-3"]
        await pilot.press("slash", *"crashed", "enter")
        await pilot.pause()
        assert names(app) == ["quick-3"]
        assert "filter: crashed" in text(app, "#listing")
        await pilot.press("slash")
        await type_over(pilot, "nothing")
        assert "no run matches 'nothing'" in text(app, "#runs")


async def test_tags_note_and_name(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "t", *"good", "space", *"wide", "enter", "n", *"twice", "enter")
        await until(pilot, lambda: "good wide" in text(app, "#runs"))
        await until(pilot, lambda: "twice" in text(app, "#run"))
        await pilot.press("r")
        await type_over(pilot, "mine")
        await until(pilot, lambda: "mine" in names(app))
        await pilot.press("r", *"quick-3", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Prompt)  # a name that is taken stays in its line
        assert "already a run quick-3" in str(app.screen.query_one(".hint", Static).render())
        await pilot.press("escape")
        notes = open_run(root, "mine").notes()
        assert (notes.tags, notes.note) == (("good", "wide"), "twice")
        await pilot.press("r")
        await type_over(pilot, "no/name")
        assert (root / "mine").is_dir()


async def test_delete_asks_and_keeps_what_is_trained(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("x", "escape")
        assert (root / "quick-3").is_dir()
        folder = open_run(root, "quick-3")
        lock = Lock.acquire(folder.lock_file, folder.summary_file)
        await pilot.press("x", "y")
        await pilot.pause()
        assert (root / "quick-3").is_dir()
        lock.release()
        await pilot.press("x", "y")
        await until(pilot, lambda: names(app) == ["quick-2", "quick-1"])
        assert (root / ".bin" / "quick-3").is_dir()


async def test_the_filter_stays_on_escape_and_goes_with_a_dash(
    make_app: MakeApp, root: Path
) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("slash", *"crashed", "enter", "slash", "escape")
        await pilot.pause()
        assert names(app) == ["quick-3"]
        await pilot.press("slash", *"nowhere", "enter")
        await pilot.pause()
        bar = app.screen.query_one(KeyBar)
        assert "no run matches 'nowhere'" in text(app, "#runs")
        assert "resume" not in str(bar.lines(120, 1))
        await pilot.press("slash", "minus", "enter")  # what is typed replaces the words
        await pilot.pause()
        assert len(names(app)) == 3


async def test_the_bin_gives_back(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("B")
        await pilot.pause()
        assert isinstance(app.screen, RunsScreen), "an empty bin is only told"
        await pilot.press("x", "y")
        await until(pilot, lambda: "bin: 1 run" in text(app, "#listing"))
        await pilot.press("B")
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: len(names(app)) == 3)
        assert "bin" not in text(app, "#listing")


async def test_cleaning_up_says_what_and_asks(make_app: MakeApp, root: Path) -> None:
    state = root / "quick-1" / "checkpoints" / "step-000000001.safetensors"
    shutil.copy(root / "quick-1" / "best.safetensors", state)
    async with history(make_app, root) as (app, pilot):
        await pilot.press("x", "y")
        await until(pilot, lambda: "bin: 1 run" in text(app, "#listing"))
        for key, offers, left in (
            ("escape", 3, (True, True)), ("s", 3, (True, False)), ("b", 1, (False, False)),
        ):  # fmt: skip
            await pilot.press("D")
            await until(pilot, lambda: isinstance(app.screen, Question))
            await until(pilot, lambda: "the bin, with 1 run: 0." in text(app, "Answers"))
            assert text(app, "Answers").count(" MB") == offers
            await pilot.press(key)
            await until(
                pilot,
                lambda left=left: ((root / ".bin" / "quick-3").exists(), state.exists()) == left,
            )
        await pilot.press("D")
        await pilot.pause(0.2)
        assert isinstance(app.screen, RunsScreen)


async def test_a_finished_and_a_crashed_run_are_shown(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "enter")
        await until(pilot, lambda: "done: test" in text(app, "#status"))
        assert isinstance(app.screen, WatchScreen)
        assert "quick-2" in text(app, "Header")
        await pilot.press("space", "x", "l")
        assert isinstance(app.screen, WatchScreen)
        await pilot.press("escape", "up", "enter")
        await until(pilot, lambda: "crashed: after step" in text(app, "#status"))
        assert "its process has ended; R resumes" in " ".join(text(app, "#log").split())


async def test_a_run_deleted_while_watched(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "crashed" in text(app, "#status"))
        shutil.rmtree(root / "quick-3")
        await until(pilot, lambda: "was deleted or renamed" in text(app, "#status"))
        offered = {one.binding.key for one in app.screen.active_bindings.values() if one.enabled}
        assert not offered & {"R", "e", "i"}
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


async def test_help_shows_the_keys_of_each_screen(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        for scope, keys in ((RUNS, ()), (WATCH, ("enter",)), (COMPARE, ("escape", "m", "m", "c"))):
            await pilot.press(*keys, "question_mark")
            assert isinstance(app.screen, HelpScreen)
            texts = (str(one.render()) for one in app.screen.query("Static"))
            shown = " ".join(" ".join(texts).split())  # long lines go on below
            for command in commands(scope):
                assert command.help in shown
            assert ("Change the smoothing" in shown) == (scope == WATCH)
            await pilot.press("escape")


async def test_the_palette_offers_what_works_everywhere_as_well(
    make_app: MakeApp, root: Path
) -> None:
    async with history(make_app, root) as (app, pilot):
        for keys, own in (((), "Mark for a comparison m"), (("enter",), "Change the smoothing w")):
            await pilot.press(*keys, "ctrl+p")
            await pilot.pause()
            options = app.screen.query_one(OptionList).options
            titles = [" ".join(str(option.prompt).split()) for option in options]
            assert {own, "View, download datasets F6"} <= set(titles)
            assert len({title.rpartition(" ")[0] for title in titles if " " in title}) == len(
                [title for title in titles if " " in title]
            )
            await pilot.press("escape")


async def test_where_there_is_room_a_run_shows_its_curve_and_settings(
    make_app: MakeApp, root: Path
) -> None:
    app = make_app()
    app.places.runs = root
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "accuracy" in text(app, "#curves"))
        assert "train" in text(app, "#curves")
        assert "optimizer" in text(app, "#run") and "momentum" in text(app, "#run")
        assert '"' not in text(app, "#run") and "null" not in text(app, "#run")
        assert "what differs" in text(app, "#runs") and "lr 0.003" in text(app, "#runs")
