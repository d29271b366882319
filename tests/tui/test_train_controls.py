"""What steers a run: one batch, one epoch, settings, remedies, how it is ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from driving import settle, text, type_in
from runs_made import make_runs
from scripted import SMALL, Script, batch, run_events, started
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widgets import Input

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import Alert, Remedy, RunEnded, RunPaused
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.dashboard.pictures import x_axis
from cnn_tui.tui.screens.dialog import Picker, Question
from cnn_tui.tui.screens.settings import SettingsDialog
from cnn_tui.tui.screens.train import TrainScreen
from cnn_tui.tui.session import Emit, train
from cnn_tui.tui.widgets.bars import KeyBar
from cnn_tui.tui.widgets.chart import Chart

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


async def until(app: CnnTuiApp, pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        app.poll()
        await pilot.pause(0.01)
        if condition():
            return
    pytest.fail("it does not come to that:\n" + text(app, "#status") + text(app, "#log"))


def alert(remedy: Remedy | None, code: str = "lr-high") -> Alert:
    return Alert(
        code=code,
        message="The learning rate is too high.",
        step=1,
        evidence=("update:weight 0.3",),
        remedy=remedy,
    )


async def test_one_batch_and_one_epoch_of_a_real_training(make_app: MakeApp) -> None:
    app = make_app(runner=train)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "s")
        await until(app, pilot, lambda: app.training.board.paused)
        assert app.training.board.batch is not None
        assert app.training.board.batch.step == 1
        await pilot.press("s")
        await until(
            app,
            pilot,
            lambda: app.training.board.batch is not None and app.training.board.batch.step == 2,
        )
        await until(app, pilot, lambda: app.training.board.paused)
        await pilot.press("e")
        await until(app, pilot, lambda: app.training.board.validation is not None)
        await until(app, pilot, lambda: app.training.board.paused)
        assert "paused" in text(app, "#status")
        await pilot.press("x", "y")
        await settle(app, pilot)


async def test_settings_are_changed_marked_and_told(make_app: MakeApp) -> None:
    app = make_app(runner=train)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "s")
        await until(app, pilot, lambda: app.training.board.paused)
        await pilot.press("l")
        assert isinstance(app.screen, SettingsDialog)
        assert app.screen.query_one("#lr", Input).value == "0.01"
        app.screen.query_one("#lr", Input).value = "0.002"
        app.screen.query_one("#batch_size", Input).value = "32"
        await pilot.press("enter", "s")
        await until(app, pilot, lambda: len(app.training.board.marks) == 2)
        assert app.training.board.settings is not None
        assert (app.training.board.settings.lr, app.training.board.settings.batch_size) == (
            0.002,
            32,
        )
        assert "lr 0.01 -> 0.002" in text(app, "#log")
        await until(app, pilot, lambda: "▲" in text(app, "#loss"))
        app.training.session.stop()
        await settle(app, pilot)


async def test_a_setting_that_is_no_value_says_what_it_needs(make_app: MakeApp) -> None:
    script = Script(run_events(), hold=5)
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        assert script.held.wait(10)
        await pilot.press("l")
        dialog = app.screen
        assert isinstance(dialog, SettingsDialog)
        dialog.query_one("#dropout", Input).value = "2"
        await pilot.press("enter")
        assert app.screen is dialog
        assert "dropout needs" in str(dialog.query_one(".trouble").render())
        await pilot.press("escape")
        assert app.screen is not dialog
        script.go.set()
        await settle(app, pilot)


async def test_a_remedy_is_applied_while_the_run_goes(make_app: MakeApp) -> None:
    remedy = Remedy("Set the learning rate to 0.001.", {"lr": 0.001})
    steered = list[float]()

    class Heedful(Script):
        def __call__(self, network: Network, control: Control, emit: Emit) -> None:
            control.set_lr = steered.append  # type: ignore[method-assign]
            control.set = lambda name, value: steered.append(value)  # type: ignore
            super().__call__(network, control, emit)

    script = Heedful([started(), batch(1), alert(remedy), *run_events()[2:]], hold=3)
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        assert script.held.wait(10)
        await until(app, pilot, lambda: "too high" in text(app, "#verdict"))
        assert "r Set the learning rate to 0.001." in text(app, "#verdict")
        assert "update:weight 0.3" in text(app, "#log")
        await pilot.press("r")
        assert steered == [0.001]
        await until(app, pilot, lambda: text(app, "#verdict").strip() == "")
        script.go.set()
        await settle(app, pilot)


async def test_a_remedy_that_begins_anew_changes_the_network_and_asks(make_app: MakeApp) -> None:
    remedy = Remedy("Restart with normalised images.", {"lr": 0.005}, restart=True)
    script = Script([started(), batch(1), alert(remedy), *run_events()[2:]], hold=3)
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        assert script.held.wait(10)
        await until(app, pilot, lambda: "too high" in text(app, "#verdict"))
        await pilot.press("r")
        assert isinstance(app.screen, Question)
        script.hold = None
        await pilot.press("y")
        await until(app, pilot, lambda: len(script.networks) == 2)
        assert script.networks[1].training.lr == 0.005
        assert app.builder.network.training.lr == 0.005
        await settle(app, pilot)


async def test_advice_without_a_change_offers_no_key(make_app: MakeApp) -> None:
    app = make_app(runner=Script([started(), batch(1), alert(Remedy("Look.", {}))], hold=3))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await until(app, pilot, lambda: "too high" in text(app, "#verdict"))
        await pilot.press("r")
        assert app.training.board.remedied is None
        app.training.session.stop()
        await settle(app, pilot)


@pytest.mark.parametrize(("key", "kept"), [("y", True), ("d", False)])
async def test_a_run_ends_with_or_without_its_last_state(
    make_app: MakeApp, key: str, kept: bool
) -> None:
    discarding = list[bool]()

    def runner(network: Network, control: Control, emit: Emit) -> None:
        emit(started())
        while not control.stopping:
            control.wait_while_paused()
        discarding.append(control.discarding)
        emit(RunEnded(reason="stopped", step=1, epoch=1, seconds=1.0))

    app = make_app(runner=runner)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5", "x", key)
        await settle(app, pilot)
        assert discarding == [not kept]


async def test_what_is_printed_goes_into_the_log(make_app: MakeApp) -> None:
    def runner(network: Network, control: Control, emit: Emit) -> None:
        emit(started())
        print("hello\x1b[31m from the trainer")
        emit(RunPaused(step=1))
        while not control.stopping:
            control.wait_while_paused()
        emit(RunEnded(reason="stopped", step=1, epoch=1, seconds=1.0))

    app = make_app(network=SMALL, runner=runner)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await until(app, pilot, lambda: "printed: hello?[31m from" in text(app, "#log"))
        app.training.session.stop()
        await settle(app, pilot)


async def test_charts_are_looked_at_in_every_way(make_app: MakeApp) -> None:
    app = make_app(runner=Script(run_events(epochs=8)))
    async with app.run_test(size=(150, 40)) as pilot:
        await pilot.press("left", "z", "c", "w", "b", "v", "home")  # before there is anything
        await pilot.press("c", "c", "v", "b", "w", "w", "w", "f5")
        await settle(app, pilot)
        assert "accuracy" in text(app, "#accuracy")
        whole = text(app, "#loss")
        await pilot.press("left", *["left"] * 20)
        assert "loss at 5." in text(app, "#loss")
        assert "│" in text(app, "#loss").split("\n")[3][8:]
        await pilot.press("z", "z")
        assert text(app, "#loss").rsplit("\n", 1)[1] != whole.rsplit("\n", 1)[1]
        await pilot.press("home")
        await pilot.pause()
        assert text(app, "#loss") == whole
        await pilot.press("c")
        await pilot.pause()
        assert "learning rate" in text(app, "#lr")
        assert not app.screen.query_one("#accuracy").display
        await pilot.press("f5")
        await settle(app, pilot)
        assert "before ." in text(app, "#loss")


async def test_a_zoomed_chart_is_moved(make_app: MakeApp) -> None:
    app = make_app(runner=Script(run_events(epochs=8)))
    async with app.run_test(size=(150, 40)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        screen = app.screen
        assert isinstance(screen, TrainScreen)

        def low() -> float:
            return x_axis(app.training.board, screen.lens).low

        await pilot.press("less_than_sign")
        assert low() == 0  # the whole run is to be seen anyway
        await pilot.press("z", "z")
        assert low() == 6
        await pilot.press("less_than_sign", "shift+left")
        assert low() == 4
        assert "7" not in text(app, "#loss").rsplit("\n", 1)[1]
        await pilot.press("greater_than_sign")
        assert low() == 5
        await pilot.press(*["greater_than_sign"] * 20)
        assert low() == 6
        await pilot.press(*["less_than_sign"] * 20)
        assert low() == 0
        await pilot.press("left")  # the window follows the cursor again
        assert low() == 6


async def test_before_its_first_event_a_run_has_its_own_name(make_app: MakeApp) -> None:
    script = Script(run_events(), hold=0)
    app = make_app(runner=script)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f5")
        app.builder.open(load_preset("lenet5"), None)
        app.poll()
        await pilot.pause()
        assert "small" in text(app, "Header") and "lenet5" not in text(app, "Header")
        assert "small on digits: reading the data" in text(app, "#log")
        await pilot.press("1")
        await pilot.pause()
        assert "small starting  lenet5" in text(app, "Header")
        script.go.set()
        await settle(app, pilot)


async def test_a_click_on_a_chart_reads_it_and_the_wheel_zooms(make_app: MakeApp) -> None:
    app = make_app(runner=Script(run_events(epochs=8)))
    async with app.run_test(size=(150, 40)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        screen = app.screen
        assert isinstance(screen, TrainScreen)
        chart = screen.query_one("#loss", Chart)
        middle = chart.region.x + chart.region.width // 2, chart.region.y + 4
        await pilot.click(offset=middle)
        assert 3.5 < (screen.lens.cursor or 0) < 4.5
        assert " at " in text(app, "#loss").splitlines()[0]
        keys = {"button": 0, "shift": False, "meta": False, "ctrl": False}
        for kind, zoom in ((MouseScrollUp, 1), (MouseScrollUp, 2), (MouseScrollDown, 1)):
            before = x_axis(app.training.board, screen.lens)
            app.post_message(kind(None, *middle, 0, 1, **keys))
            await pilot.pause()
            after = x_axis(app.training.board, screen.lens)
            assert screen.lens.zoom == zoom
            assert after.low <= (before.low + before.high) / 2 <= after.high


async def test_the_cursor_does_not_stay_for_the_next_run(make_app: MakeApp) -> None:
    app = make_app(runner=Script(run_events(epochs=8)))
    async with app.run_test(size=(150, 40)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        await pilot.press("g", "left", "z", "z")
        assert " at " in text(app, "#loss").splitlines()[0]
        await pilot.press("f5")
        await settle(app, pilot)
        screen = app.screen
        assert isinstance(screen, TrainScreen)
        assert (screen.lens.cursor, screen.lens.zoom, screen.lens.log) == (None, 2, True)
        assert " at " not in text(app, "#loss").splitlines()[0]


async def test_a_dialog_does_not_change_the_keys_below_it(make_app: MakeApp) -> None:
    app = make_app(runner=train)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "s")
        await until(app, pilot, lambda: app.training.board.paused)
        await pilot.pause()
        screen = app.screen
        before = screen.query_one(KeyBar).lines(120, 1)
        assert "start" not in str(before)
        await pilot.press("l")
        assert isinstance(app.screen, SettingsDialog)
        await pilot.pause()
        assert screen.query_one(KeyBar).lines(120, 1) == before
        await pilot.press("escape", "x", "y")
        await settle(app, pilot)
        await pilot.pause()
        assert "start" in str(screen.query_one(KeyBar).lines(120, 1))


async def test_any_run_of_the_history_is_drawn_as_well(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(runner=Script(run_events(epochs=4)))
    app.places.runs = make_runs(tmp_path, (), ("--seed", "5"))
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        for name in ("quick-2", "quick-1"):
            await choose(app, pilot, name)
            await until(app, pilot, lambda name=name: name in text(app, "#loss"))  # type: ignore
        assert "quick-2 .  quick-1 :" in text(app, "#accuracy")
        await pilot.press("b")
        assert "quick" not in text(app, "#loss")
        await pilot.press("b")
        await choose(app, pilot, "quick-2")
        await pilot.pause()
        assert "quick-1 ." in text(app, "#loss")
        assert "quick-2" not in text(app, "#loss")


async def choose(app: CnnTuiApp, pilot: Pilot[None], name: str) -> None:
    await pilot.press("B")
    for _ in range(1000):
        await pilot.pause(0.01)
        if isinstance(app.screen, Picker):
            break
    await type_in(pilot, name)
    await pilot.press("enter")
    await pilot.pause()


async def test_without_earlier_runs_there_is_nothing_to_draw(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    app.places.runs = tmp_path / "none"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "B")
        for _ in range(200):
            await pilot.pause(0.01)
            if app._notifications:
                break
        assert [one.message for one in app._notifications] == [
            "There is no earlier run to compare with."
        ]
        assert len(app.screen_stack) == 1


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60), (61, 19)])
async def test_the_screen_folds_to_any_size(make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(runner=Script(run_events()))
    async with app.run_test(size=size) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        assert "done" in text(app, "#status")
        assert any(0x2800 < ord(char) <= 0x28FF for char in text(app, "#loss"))
        for widget in app.screen.query("Chart, #log, #figures, #layers"):
            if widget.display:
                assert app.screen.region.contains_region(widget.region)
        shown = sum(bool(chart.display) for chart in app.screen.query("Chart"))
        assert shown == (4 if size == (200, 60) else 2)
