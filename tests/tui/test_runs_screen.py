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
from textual.widgets import Input, OptionList, Static

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.history import RunEntry
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.runs.summary import Summary
from cnn_tui.engine.specs.paths import value_words
from cnn_tui.tui.actions import COMPARE, RUNS, WATCH, commands
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.history.differing import Recipes
from cnn_tui.tui.history.run_rows import about, listing
from cnn_tui.tui.screens.compare import CompareScreen
from cnn_tui.tui.screens.dialog import Picker, Prompt, Question
from cnn_tui.tui.screens.help import HelpScreen
from cnn_tui.tui.screens.run_changes import ReproduceDialog
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


@asynccontextmanager
async def history(
    make_app: MakeApp, root: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[CnnTuiApp, Pilot[None]]]:
    """The app on the list of runs."""
    app = make_app()
    app.places.runs = root
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
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


def test_why_a_run_failed_is_never_cut() -> None:
    reason = "the loss is nan; " + "the first layer with values that are not finite is fc1. " * 4
    summary = Summary(arch="net", data="digits", state="failed", message=reason.strip())
    entry = RunEntry(name="a", path="a", state="failed", summary=summary, tags=(), note="")
    lines = ["".join(run for run, _ in line) for line in about(entry, "", 78)]
    assert all(len(line) <= 78 for line in lines)
    assert reason.strip() in " ".join(" ".join(lines).split())


def test_curves_of_a_list_are_on_one_scale() -> None:
    entries = [
        RunEntry(
            name=name, path=name, state="completed", tags=(), note="",
            summary=Summary(arch="net", data="digits", curve=curve),
        )
        for name, curve in (("good", [0.5, 0.99]), ("poor", [0.5, 0.8]))
    ]  # fmt: skip
    columns, rows = listing(entries, {})
    at = [column.title for column in columns].index("val accuracy")
    assert [row.cells[at] for row in rows] == ["▁▇", "▁▅"]
    assert not {"tags", "what differs"} & {column.title for column in columns}


@pytest.mark.parametrize(
    ("value", "words"),
    [('"momentum"', "momentum"), ("null", "off"), ("true", "yes"), ("[3,3]", "3x3"),
     ("[0.9, 0.999]", "0.9 0.999"), ("1000000.0", "1000000"), ("32", "32"), ("", "-")],
)  # fmt: skip
def test_settings_are_words(value: str, words: str) -> None:
    assert value_words(value) == words


def test_numbers_that_were_drawn_at_random_are_short(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, ("--lr", "0.00012345678"), ("--lr", "0.02"))
    folders = [open_run(runs, path.name) for path in sorted(runs.iterdir())]
    assert sorted(Recipes().differences(folders).values()) == ["lr 0.0001235", "lr 0.02"]
