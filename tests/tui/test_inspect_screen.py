"""The Inspect mode: which network it shows, its keys, what it says where there is nothing."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from driving import text
from inspected import make_runs_to_inspect
from runs_made import until
from textual.pilot import Pilot
from textual.widgets import Input, Static

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.width import TAG as WIDTH
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.manage import annotate
from cnn_tui.engine.runs.train_once import TAG
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.inspect import maps, probes, width
from cnn_tui.tui.inspect.maps import MapsSeen
from cnn_tui.tui.inspect.pane import InspectPane
from cnn_tui.tui.inspect.probes import ProbesSeen
from cnn_tui.tui.inspect.table import VIEWS, view_named
from cnn_tui.tui.inspect.width import WidthSeen
from cnn_tui.tui.screens.dialog import Prompt
from cnn_tui.tui.screens.inspect import InspectScreen
from cnn_tui.tui.screens.runs import RunsScreen
from cnn_tui.tui.session import train
from cnn_tui.tui.theme import DARK, LIGHT

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs_to_inspect(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Runs that a test may change."""
    return shutil.copytree(made, tmp_path / "runs")


@pytest.fixture
def app(make_app: MakeApp, root: Path) -> CnnTuiApp:
    app = make_app()
    app.places.runs = root
    return app


def pane(app: CnnTuiApp) -> InspectPane:
    return app.screen.query_one(InspectPane)


def colours(app: CnnTuiApp) -> str:
    """The colours of the pictures that are shown."""
    return " ".join(role for line in pane(app).drawn.lines for _, role in line)


async def open_run(app: CnnTuiApp, pilot: Pilot[None], run: str) -> None:
    """Open a run from the list of runs."""
    await pilot.press("3")
    await until(pilot, lambda: run in text(app, "#runs"))
    app.screen.query_one("#runs").choose(run)
    await pilot.press("i")
    await until(pilot, lambda: isinstance(app.screen, InspectScreen))
    await until(pilot, lambda: pane(app).seen is not None or bool(pane(app).words))


async def turn_to(app: CnnTuiApp, pilot: Pilot[None], view: str) -> None:
    await pilot.press("home", *["down"] * [one.name for one in VIEWS].index(view))
    await until(pilot, lambda: pane(app).seen is not None or bool(pane(app).words))


async def test_without_a_run_a_sentence_says_what_to_do(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app()
    app.places.runs = tmp_path
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "F5 trains one" in text(app, "#seen"))
        await pilot.press("down", "right_square_bracket", "t", "right", "pagedown", "w", "enter")
        await until(pilot, lambda: "F5 trains one" in text(app, "#seen"))


async def test_the_newest_run_is_shown_layer_by_layer(app: CnnTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "layer < conv1 > 1 of 2" in text(app, "#where"))
        assert "scale" in text(app, "#seen")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "layer < conv4 > 2 of 2" in text(app, "#where"))
        await until(pilot, lambda: "Deeper filters" in text(app, "#said"))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "3 dead" in text(app, "#seen"))
        assert "1 = 6" in text(app, "#seen") and "6 distinct" in text(app, "#said")


@pytest.mark.parametrize("tag", [TAG, WIDTH])
async def test_a_run_that_was_trained_for_a_comparison_is_not_the_newest(
    app: CnnTuiApp, root: Path, tag: str
) -> None:
    annotate(RunFolder(root / "small-2"), tags=(tag,))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: pane(app).seen is not None)
        assert app.screen.heading.name == "small-1"


async def test_images_and_checkpoints_are_walked_through(app: CnnTuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await open_run(app, pilot, "small-1")
        await turn_to(app, pilot, "maps")
        await until(pilot, lambda: "image < 0 of 180 >" in text(app, "#where"))
        await pilot.press("comma")
        await until(pilot, lambda: "image < 179 of 180 >" in text(app, "#where"))
        await until(pilot, lambda: "> 2 of 2" in text(app, "#where"))
        await pilot.press("t")
        await until(pilot, lambda: "untrained" in app.screen.heading.data)
        assert "state < untrained > 1 of 2" in text(app, "#where")
        assert any("all states that were kept" in said.message for said in app._notifications)
        await pilot.press("i", *"999", "enter")
        assert isinstance(app.screen, Prompt) and app.screen.query_one(Input).value == "999"
        assert "there are 180" in str(app.screen.query_one(".hint", Static).render())
        await pilot.press("escape", "full_stop")
        await until(pilot, lambda: pane(app).seen is not None)


async def test_a_filter_is_taken_out_put_back_and_kept_out(app: CnnTuiApp, root: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_run(app, pilot, "small-2")
        await until(pilot, lambda: "3 dead" in text(app, "#seen"))
        await pilot.press("right", "right", "right", "right")
        assert ">3 dead" in text(app, "#seen")
        await pilot.press("enter")
        await until(pilot, lambda: "Without 3 of conv1" in text(app, "#said"))
        assert "0.0 points less" in text(app, "#said")
        await pilot.press("k")
        await until(pilot, lambda: len(list(root.iterdir())) == 3)
        kept = next(run for run in root.iterdir() if run.name not in ("small-1", "small-2"))
        assert RunFolder(kept).network().layers[0].out_channels == 7
        await pilot.press("u")
        await until(pilot, lambda: "it is worth" in text(app, "#seen"))
        await pilot.press("f")
        await until(pilot, lambda: "Without 3 and 6 of conv1" in text(app, "#said"))


async def test_what_takes_long_starts_with_enter_and_is_cancelled_with_esc(
    app: CnnTuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def wait(subject: object, wanted: object, watcher: Watcher) -> WidthSeen:
        while not watcher.cancelled():
            time.sleep(0.01)
        ended.set()
        raise CancelledError

    monkeypatch.setattr(width, "compute", wait)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_run(app, pilot, "small-1")
        await turn_to(app, pilot, "width")
        assert "enter starts" in text(app, "#seen")
        await pilot.press("enter")
        await until(pilot, lambda: "esc cancels" in text(app, "#seen"))
        await pilot.press("escape")
        assert "cancelled" in text(app, "#seen")
        await until(pilot, ended.is_set)
        await turn_to(app, pilot, "filters")
        await until(pilot, lambda: pane(app).seen is not None)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))


async def test_what_was_started_goes_on_behind_a_window_and_in_another_mode(
    app: CnnTuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, began = threading.Event(), threading.Event()

    def wait(*_: object) -> ProbesSeen:
        began.set()
        assert go.wait(60)
        raise InsightError("It went on.")

    monkeypatch.setattr(probes, "compute", wait)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_run(app, pilot, "small-1")
        await turn_to(app, pilot, "probes")
        await pilot.press("enter")
        await until(pilot, began.is_set)
        await pilot.press("question_mark", "escape", "1", "4")
        go.set()
        await until(pilot, lambda: "It went on." in text(app, "#seen"))


async def test_nothing_is_computed_that_nobody_sees(
    app: CnnTuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def wait(subject: object, wanted: object, watcher: Watcher) -> MapsSeen:
        while not watcher.cancelled():
            time.sleep(0.01)
        ended.set()
        raise InsightError("Nobody sees this.")

    monkeypatch.setattr(maps, "compute", wait)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_run(app, pilot, "small-1")
        await pilot.press("down")
        await pilot.press("1")
        await until(pilot, ended.is_set)


async def test_help_begins_with_the_view_and_its_source(app: CnnTuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await open_run(app, pilot, "small-2")
        await turn_to(app, pilot, "health")
        await pilot.press("question_mark")
        await pilot.pause()
        view = view_named("health")
        assert view is not None
        assert str(app.screen.query(Static).first().content).strip() == view.about


async def test_a_view_is_written_to_a_file(
    app: CnnTuiApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_run(app, pilot, "small-2")
        await until(pilot, lambda: pane(app).seen is not None)
        await pilot.press("w")
        await pilot.pause()
        await pilot.press(
            *["full_stop" if c == "." else "slash" if c == "/" else c for c in "x.png"]
        )
        await pilot.press("enter")
        await until(pilot, lambda: Path("x.png").exists())


async def test_data_that_is_gone_is_asked_for(app: CnnTuiApp, root: Path) -> None:
    file = root / "small-2" / "run.json"
    file.write_text(file.read_text().replace('"digits"', '"mnist"'))
    async with app.run_test(size=(80, 24)) as pilot:
        await open_run(app, pilot, "small-2")
        await until(pilot, lambda: pane(app).seen is not None)
        await turn_to(app, pilot, "maps")
        await until(pilot, lambda: "no data to look at" in text(app, "#seen"))
        assert "o" in text(app, "#seen")
        await pilot.press("o", *"digits", "enter")
        await until(pilot, lambda: "image < 0 of 180 >" in text(app, "#where"))


async def test_a_run_that_trains_is_shown_and_drawn_again(
    make_app: MakeApp, tmp_path: Path
) -> None:
    network = load_preset("digits-convnet")
    longer = msgspec.structs.replace(network.training, epochs=500)
    app = make_app(msgspec.structs.replace(network, training=longer), runner=train)
    app.places.runs = tmp_path
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5", "4")
        await until(pilot, lambda: "step" in app.screen.heading.data)
        first = app.screen.heading.data
        await until(pilot, lambda: app.screen.heading.data != first)
        app.training.session.stop()
        assert app.training.session.join(10)
        await until(pilot, lambda: not app.training.active)


async def test_the_gaps_between_patches_are_the_ground_of_the_theme(app: CnnTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_run(app, pilot, "small-2")
        await turn_to(app, pilot, "excite")
        await until(pilot, lambda: DARK.background in colours(app))
        app.put_on(LIGHT.name)
        await until(pilot, lambda: DARK.background not in colours(app))
