"""What steers a run: one batch, one epoch, settings, remedies, how it is ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import settle, text
from scripted import SMALL, Script, batch, run_events, started
from textual.pilot import Pilot
from textual.widgets import Input

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import Alert, Remedy, RunEnded, RunPaused
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.screens.settings import SettingsDialog
from cnn_tui.tui.session import Emit, train
from cnn_tui.tui.widgets.bars import KeyBar

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
