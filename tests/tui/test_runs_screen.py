"""The history in the app: the list and what can be done with its runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from driving import text
from runs_made import crash, make_runs, until
from textual.pilot import Pilot

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.tui.actions import COMPARE, RUNS, WATCH, commands
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.compare import CompareScreen
from cnn_tui.tui.screens.help import HelpScreen
from cnn_tui.tui.screens.runs import RunsScreen
from cnn_tui.tui.screens.watch import WatchScreen

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


@asynccontextmanager
async def history(
    make_app: MakeApp, root: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[CnnTuiApp, Pilot[None]]]:
    """The app on the list of runs."""
    app = make_app()
    app.runs_dir = root
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "reading" not in text(app, "#runs"))
        yield app, pilot


def names(app: CnnTuiApp) -> list[str]:
    return re.findall(r"^[> ][+ ]([\w-]+)", text(app, "#runs"), re.MULTILINE)[1:]


async def type_over(pilot: Pilot[None], words: str) -> None:
    await pilot.press("end", *["backspace"] * 40, *words, "enter")
    await pilot.pause()


async def test_the_list_tells_every_run(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        assert names(app) == ["quick-3", "quick-2", "quick-1"]
        assert "crashed" in text(app, "#runs").splitlines()[1]
        assert "3/3" in text(app, "#runs").splitlines()[2]
        assert "▁" in text(app, "#runs")
        assert "3 runs" in text(app, "#run")
        assert "process is gone" in text(app, "#run")
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
        assert "only with: crashed" in text(app, "#run")
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


async def test_compare_marked_runs(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root, (120, 40)) as (app, pilot):
        await pilot.press("c")
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("m", "m", "c")
        await until(pilot, lambda: "best val" in text(app, "#comparison"))
        assert isinstance(app.screen, CompareScreen)
        table = text(app, "#comparison")
        assert "training.lr" in table and "0.003" in table and "training.seed" in table
        assert "o quick-3" in text(app, "#overlay") and "x quick-2" in text(app, "#overlay")
        assert "accuracy" in text(app, "#overlay")
        await pilot.press("l")
        await pilot.pause()
        assert "loss" in text(app, "#overlay")
        await pilot.press("escape")
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
        assert "its process is gone; R goes on" in " ".join(text(app, "#log").split())


async def test_a_run_deleted_while_watched(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "crashed" in text(app, "#status"))
        shutil.rmtree(root / "quick-3")
        await until(pilot, lambda: "was deleted or renamed" in text(app, "#status"))
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


async def test_resume_here(make_app: MakeApp, root: Path) -> None:
    file = root / "quick-1" / "network.toml"
    file.write_text(file.read_text().replace("epochs = 3", "epochs = 5"))
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "down", "R")
        assert app.current_mode == "train"
        assert app.session.join(60)
        app.look()
        await pilot.pause()
        assert "done: test" in text(app, "#status")
        assert "epoch 5/5" in text(app, "#status")
        assert "epoch 1 train" in "\n".join(words for _, words in app.board.log)
        assert [x for x, _ in app.board.val_loss.points()] == [1, 2, 3, 4, 5]


async def test_resume_of_what_another_process_trains_is_refused(
    make_app: MakeApp, root: Path
) -> None:
    folder = open_run(root, "quick-3")
    lock = Lock.acquire(folder.lock_file, folder.summary_file)
    async with history(make_app, root) as (app, pilot):
        await pilot.press("R")
        assert app.session.join(60)
        app.look()
        await pilot.pause()
        assert "is being trained by process" in text(app, "#status")
    lock.release()
    with pytest.raises(RunError):
        open_run(root, "quick-9")


async def test_help_shows_the_keys_of_each_screen(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        for scope, keys in ((RUNS, ()), (WATCH, ("enter",)), (COMPARE, ("escape", "m", "m", "c"))):
            await pilot.press(*keys, "question_mark")
            assert isinstance(app.screen, HelpScreen)
            shown = "\n".join(str(one.render()) for one in app.screen.query("Static"))
            for command in commands(scope):
                assert command.help in shown
            await pilot.press("escape")
