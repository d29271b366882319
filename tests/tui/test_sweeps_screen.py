"""The Sweeps screen: the list, one sweep and its keys, and a sweep started from it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from driving import text, type_in, typed
from runs_made import until
from sweeps_made import make_sweep
from textual.pilot import Pilot

from cnn_tui.engine.runs.exchange import Reply
from cnn_tui.engine.sweeps.begin import new_sweep
from cnn_tui.engine.sweeps.book import SweepBook
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.lines import TrialEnded, TrialReported
from cnn_tui.engine.sweeps.plan import read_plan
from cnn_tui.engine.sweeps.requests import SweepInbox, SweepRequest
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.sweep import SweepScreen
from cnn_tui.tui.screens.sweep_plan import SweepPlanDialog
from cnn_tui.tui.screens.watch import WatchScreen

MakeApp = Callable[..., CnnTuiApp]
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def app(make_app: MakeApp, tmp_path: Path) -> CnnTuiApp:
    app = make_app()
    app.places.runs = tmp_path
    return app


async def opened(pilot: Pilot[None], *keys: str) -> None:
    """Open the only sweep, then press keys."""
    await typed(pilot, "5")
    assert isinstance(pilot.app, CnnTuiApp)
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, SweepScreen))
    await until(pilot, lambda: "trials" in text(app, "#progress"))
    await typed(pilot, *keys)


def said(app: CnnTuiApp) -> str:
    return " ".join(note.message for note in app._notifications)


async def test_without_sweeps_it_says_how_to_start_one(app: CnnTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "5")
        await until(pilot, lambda: "no sweep yet: F5 starts one" in text(app, "#sweeps"))


async def test_several_sweeps_are_listed_and_one_is_opened(app: CnnTuiApp, tmp_path: Path) -> None:
    make_sweep(tmp_path)
    make_sweep(tmp_path, "rates", 9)
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "5")
        await until(pilot, lambda: "widths-1" in text(app, "#sweeps"))
        assert "24/24" in text(app, "#sweeps") and "accuracy" in text(app, "#preview")
        await typed(pilot, "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        await typed(pilot, "escape")
        assert "widths-1" in text(app, "#sweeps")


async def test_a_sweep_that_is_complete_is_neither_stopped_nor_resumed(
    app: CnnTuiApp, tmp_path: Path
) -> None:
    make_sweep(tmp_path)
    make_sweep(tmp_path, "rates", 9)
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "5")
        await until(pilot, lambda: "widths-1" in text(app, "#sweeps"))
        asked_before = app.screen
        await typed(pilot, "x", "R")
        assert app.screen is asked_before
        assert "No sweep under the cursor runs" in said(app) and "nothing to resume" in said(app)


async def test_views_fields_orders_and_filter(app: CnnTuiApp, tmp_path: Path) -> None:
    make_sweep(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "c", "c")
        assert "[slice]" in text(app, "#views") and "over lr" in text(app, "#pane")
        await typed(pilot, "right")
        assert "over optimizer" in text(app, "#pane")
        await typed(pilot, "C", "C", "left")
        assert "[curves]" in text(app, "#views")
        assert "not about one field" in said(app)
        await typed(pilot, "C")
        assert "trial 20" in text(app, "#pane")
        await typed(pilot, "s")
        assert "by trial" in text(app, "#views")
        await typed(pilot, "slash")
        await type_in(pilot, "pruned")
        await typed(pilot, "enter")
        rows = text(app, "#trials").splitlines()[1:]
        assert all("pruned" in row for row in rows if row.strip())
        assert "6 of 24" in text(app, "#views")


async def test_an_interrupted_sweep_takes_no_requests(app: CnnTuiApp, tmp_path: Path) -> None:
    make_sweep(tmp_path, phase="running")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, "x", "a", "p")
        assert "R resumes" in text(app, "#progress") + said(app)
        assert "Only a trial that waits or runs" in said(app)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[SweepBook]:
    """A sweep whose lock this process holds, as its coordinator would."""
    with SweepBook(make_sweep(tmp_path, phase="running"), lambda line: None) as book:
        book.change(workers=2)
        book.beat(force=True)
        yield book


async def test_news_appear_and_keys_ask_the_coordinator(app: CnnTuiApp, live: SweepBook) -> None:
    asked: list[SweepRequest] = []

    def act(request: SweepRequest) -> Reply:
        asked.append(request)
        return Reply(True, "does so")

    inbox = SweepInbox(live.folder.commands, act)

    def answered() -> bool:
        inbox.serve()
        return "does so" in said(app)

    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await opened(pilot)
        assert "running on 2 workers" in text(app, "#progress")
        live.add(TrialReported(number=22, epoch=4, value=0.999))
        live.add(TrialEnded(number=22, state="finished", seconds=3))
        live.beat(force=True)
        await until(pilot, lambda: "99.9%*" in text(app, "#trials"))
        await typed(pilot, "s", "end", "p", "y")
        await until(pilot, answered)
        app.clear_notifications()
        await typed(pilot, "a", *"7", "enter")
        await until(pilot, answered)
        app.clear_notifications()
        await typed(pilot, "x", "y")
        await until(pilot, answered)
    assert asked == [
        SweepRequest("prune", number=23),
        SweepRequest("add", trials=7),
        SweepRequest("stop"),
    ]


async def test_a_complete_sweep_is_extended(
    app: CnnTuiApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[tuple[str, int | None]] = []

    def resume(folder: SweepFolder, trials: int | None) -> None:
        resumed.append((folder.name, trials))

    monkeypatch.setattr("cnn_tui.tui.screens.sweep_changes.resume_sweep", resume)
    make_sweep(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "a", "6", "enter")
        await until(pilot, lambda: resumed == [("widths-1", 30)])


async def test_a_finer_sweep_is_shown_before_it_begins(
    app: CnnTuiApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnn_tui.tui.screens.sweep_changes.require_installed", lambda: None)
    text_of_file = FILE.replace("grid", "random").replace(
        "choice = [0.01, 0.1]", "log-uniform = [0.001, 1]"
    )
    folder = new_sweep(tmp_path, read_plan(text_of_file, "quick", tmp_path), None)
    like = make_sweep(tmp_path / "other", fields=("lr",))
    for file in (like.trials_file, like.status_file, like.lock_file):
        (folder.path / file.name).write_bytes(file.read_bytes())
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f")
        await until(pilot, lambda: isinstance(app.screen, SweepPlanDialog))
        await until(pilot, lambda: "fit" in text(app, "PlanRows"))
        assert "quick-fine" in str(app.screen.query_one(".window").border_title)
        await typed(pilot, "escape")
        assert [path.name for path in (tmp_path / ".sweeps").iterdir()] == ["quick-1"]


async def test_a_sweep_that_is_deleted_says_so(app: CnnTuiApp, tmp_path: Path) -> None:
    folder = make_sweep(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        folder.path.rename(tmp_path / "elsewhere")
        await until(pilot, lambda: "deleted or renamed" in text(app, "#progress"))


async def test_a_trial_without_a_run_says_so(app: CnnTuiApp, tmp_path: Path) -> None:
    make_sweep(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "enter")
        await until(pilot, lambda: "is not there" in said(app))


def test_watch_without_a_terminal_prints_and_ends(cli: Cli, tmp_path: Path) -> None:
    make_sweep(tmp_path)
    code, out, err = cli("sweep", "watch", "--runs-dir", str(tmp_path))
    assert (code, err) == (0, "")
    assert "trial  20  finished" in out and "the best is trial 20" in out
    code, out, _ = cli("sweep", "watch", "widths-1", "--json", "--runs-dir", str(tmp_path))
    events = [msgspec.json.decode(line) for line in out.splitlines()]
    assert events[0]["event"] == "sweep_begun"
    assert events[-1]["event"] == "sweep_ended" and events[-1]["best"]["number"] == 20


FILE = """
name = "quick"
base = "digits-convnet"

[search]
sampler = "grid"

[set]
epochs = 1
limit = 200

[space]
lr = { choice = [0.01, 0.1] }
"""


@pytest.mark.slow
async def test_a_file_is_shown_started_and_its_trials_are_runs(
    app: CnnTuiApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    pytest.importorskip("optuna")
    (tmp_path / "quick.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await typed(pilot, "5", "f5")
        await type_in(pilot, "quick")
        await typed(pilot, "enter")
        await until(pilot, lambda: "all points fit" in text(app, "PlanRows"))
        assert "0.01, 0.1" in text(app, "PlanRows")
        await typed(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        await until(pilot, lambda: "2 finished" in text(app, "#progress"))
        await typed(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen))
        await until(pilot, lambda: "done: test" in text(app, "#log"))


async def test_without_dask_it_says_how_to_install_it(
    app: CnnTuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setattr("cnn_tui.tui.sweeps.starting.find_spec", lambda name: None)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await typed(pilot, "5", "f5")
        assert "pip install" in said(app) and "cluster" in said(app)


async def test_a_file_with_a_mistake_starts_nothing(
    app: CnnTuiApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong.toml").write_text(FILE.replace("lr =", "learning_rate ="))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cnn_tui.tui.screens.sweep_changes.require_installed", lambda: None)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await typed(pilot, "5", "f5")
        await type_in(pilot, "wrong")
        await typed(pilot, "enter")
        await until(pilot, lambda: "learning_rate" in said(app))
    assert not (tmp_path / ".sweeps").exists()
