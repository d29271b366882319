"""From the list of runs: a run again, a run that goes on, runs compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import text
from run_list import history, names, type_over
from runs_made import crash, make_runs, until
from textual.widgets import Input, OptionList

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.compare import CompareScreen
from cnn_tui.tui.screens.dialog import Picker, Prompt
from cnn_tui.tui.screens.run_changes import ReproduceDialog
from cnn_tui.tui.screens.runs import RunsScreen

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


async def test_the_same_run_again_is_overlaid_and_compared(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root, (120, 40)) as (app, pilot):
        await pilot.press("down", "down", "a")
        await until(pilot, lambda: isinstance(app.screen, ReproduceDialog))
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "train")
        assert app.training.session.join(60)
        app.poll()
        await until(pilot, lambda: "done: test" in text(app, "#status"))
        await until(pilot, lambda: app.training.earlier is not None)
        assert (
            app.training.earlier.val_accuracy.points()
            == app.training.board.val_accuracy.points()
            != ()
        )
        assert "before" in text(app, "#loss").partition("\n")[0]
        assert "The same bits as quick-1" in "\n".join(words for _, words in app.training.board.log)
        assert (root / "quick-4" / "run.json").exists()
        await pilot.press("C")
        await until(pilot, lambda: "x quick-4" in text(app, "#overlay"))
        assert isinstance(app.screen, CompareScreen)


async def test_one_value_is_changed_in_the_dialog(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "down", "a")
        await until(pilot, lambda: isinstance(app.screen, ReproduceDialog))
        entry = app.screen.query_one(Input)
        for words, told in (
            ("lr=x", "expected a number"),
            ("lr=0.01", "0.01 already"),
            ("layers[0].out_features=0", "expected"),
            ("zzz=1", "no setting"),
        ):
            entry.value = words
            await pilot.press("enter")
            await pilot.pause()
            assert told in str(app.screen.query_one(".detail").render())
        entry.value = "lr"
        await pilot.press("enter")
        await pilot.pause()
        assert entry.value == "lr="
        await pilot.press(*"0.1", "enter")
        await until(pilot, lambda: app.current_mode == "train")
        assert app.training.session.join(60)
        app.poll()
        log = "\n".join(words for _, words in app.training.board.log)
        assert "lr 0.1 in place of 0.01" in log
        await pilot.press("3")
        await until(pilot, lambda: "quick-4" in names(app))
        await pilot.press("home")
        await until(pilot, lambda: "reproduces quick-1" in text(app, "#run"))
        await pilot.press("c")
        await until(pilot, lambda: "lr " in text(app, "#comparison"))


async def test_a_remedy_for_a_repeated_run_begins_that_anew(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "down", "a")
        await until(pilot, lambda: isinstance(app.screen, ReproduceDialog))
        app.screen.query_one(Input).value = "lr=500"
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "train")
        assert app.training.session.join(60)
        app.poll()
        assert app.training.board.remedied is not None
        await pilot.press("r")
        await until(pilot, lambda: app.builder.network.name == "quick")
        assert app.training.session.join(60)
        assert app.builder.network.layers == open_run(root, "quick-1").network().layers


async def test_a_complete_run_is_asked_how_far_it_is_to_go(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "R")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press("escape")
        assert app.current_mode == "runs"
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await type_over(pilot, "none")
        assert app.current_mode == "runs"
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await type_over(pilot, "4")
        await until(pilot, lambda: app.current_mode == "train")
        assert app.training.session.join(60)
        app.poll()
        await until(pilot, lambda: "epoch 4/4" in text(app, "#status"))


async def test_a_run_goes_on_from_a_chosen_state(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "f")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "train")
        assert app.training.session.join(60)
        app.poll()
        await until(pilot, lambda: "done: test" in text(app, "#status"))
        assert app.training.board.started is not None and app.training.board.started.from_step > 0


async def test_the_last_state_may_also_be_the_best(make_app: MakeApp, root: Path) -> None:
    for path in root.iterdir():
        (path / "checkpoints").mkdir(exist_ok=True)
        shutil.copy(path / "best.safetensors", path / "checkpoints" / "step-000000099.safetensors")
    assert [state.step for state in kept_states(open_run(root, "quick-1"))] == [60, 60]
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "f")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        offered = app.screen.query_one(OptionList)
        assert [option.id for option in offered.options] == ["step 60"]
        assert "the best" in str(offered.options[0].prompt)


async def test_a_comparison_of_many_runs_has_room_for_some(make_app: MakeApp, root: Path) -> None:
    for number in range(4, 12):
        shutil.copytree(root / "quick-1", root / f"quick-with-a-long-name-{number}")
    async with history(make_app, root) as (app, pilot):
        await pilot.press(*["m"] * 11, "c")
        await until(pilot, lambda: "best val" in text(app, "#comparison"))
        first = text(app, "#comparison").splitlines()[0]
        await pilot.press(*["right"] * 20)
        await pilot.pause()
        last = text(app, "#comparison").splitlines()[0]
        assert first.split()[1] not in last and len(last.split()) == 2
        await pilot.press(*["left"] * 20)
        await pilot.pause()
        assert text(app, "#comparison").splitlines()[0] == first


async def test_compare_marked_runs(make_app: MakeApp, root: Path) -> None:
    async with history(make_app, root, (120, 40)) as (app, pilot):
        await pilot.press("c")
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("m", "m", "c")
        await until(pilot, lambda: "best val" in text(app, "#comparison"))
        assert isinstance(app.screen, CompareScreen)
        table = text(app, "#comparison")
        assert "lr " in table and "0.003" in table and "seed " in table and "training." not in table
        assert "o quick-3" in text(app, "#overlay") and "x quick-2" in text(app, "#overlay")
        assert "accuracy" in text(app, "#overlay")
        await pilot.press("l")
        await pilot.pause()
        assert "loss" in text(app, "#overlay")
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


async def test_resume_here(make_app: MakeApp, root: Path) -> None:
    file = root / "quick-1" / "network.toml"
    file.write_text(file.read_text().replace("epochs = 3", "epochs = 5"))
    async with history(make_app, root) as (app, pilot):
        await pilot.press("down", "down", "R")
        assert app.current_mode == "train"
        assert app.training.session.join(60)
        app.poll()
        await pilot.pause()
        assert "done: test" in text(app, "#status")
        assert "epoch 5/5" in text(app, "#status")
        assert "epoch 1 train" in "\n".join(words for _, words in app.training.board.log)
        assert [x for x, _ in app.training.board.val_loss.points()] == [1, 2, 3, 4, 5]


async def test_resume_of_what_another_process_trains_is_refused(
    make_app: MakeApp, root: Path
) -> None:
    folder = open_run(root, "quick-3")
    lock = Lock.acquire(folder.lock_file, folder.summary_file)
    async with history(make_app, root) as (app, pilot):
        await pilot.press("R")
        assert app.training.session.join(60)
        app.poll()
        await pilot.pause()
        assert "is being trained by process" in text(app, "#status")
    lock.release()
    with pytest.raises(RunError):
        open_run(root, "quick-9")
