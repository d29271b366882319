"""The training screen and the keys that steer a run, with a scripted trainer."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from driving import settle, text
from scripted import SMALL, Script, batch, ended, run_events, started

from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.layers import FC, MaxPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.screens.train import TrainScreen
from cnn_tui.tui.session import Emit
from cnn_tui.tui.widgets.bars import Header, Heading
from cnn_tui.tui.widgets.chart import Chart
from cnn_tui.tui.widgets.lines import Lines

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
BROKEN = Network(layers=(MaxPool(kernel_size=3), FC(out_features=10)))


async def test_before_a_run_the_screen_says_how_to_start(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert "ready: F5 starts" in text(app, "#status")
        assert "small on digits: momentum, lr 0.01, 3 epochs" in text(app, "#log")
        assert "loss is about 2.3 (ln 10), 10.0% are" in " ".join(text(app, "#log").split())
        await pilot.press("space", "x", "g", "g")
        assert "ready" in text(app, "#status")


async def test_a_run_from_f5_to_its_result(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        assert app.current_mode == "train"
        assert "done: test 98.1%" in text(app, "#status")
        assert "epoch 3/3" in text(app, "#status")
        assert "next   4 look inside   3 compare, test, export" in text(app, "#status")
        assert "6 Learn     small  momentum, lr 0.01" in text(app, "Header")
        assert "12,345 images/s" in text(app, "#figures")
        assert "epoch 3 train" in text(app, "#log")
        for chart in ("#loss", "#accuracy"):
            assert any(0x2800 < ord(char) <= 0x28FF for char in text(app, chart))
            assert "o" in text(app, chart).split("\n", 1)[1]


async def test_pause_resume_and_stop_by_keys(make_app: MakeApp) -> None:
    script = Script(run_events(), hold=8)
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        assert script.held.wait(10)
        app.poll()
        await pilot.pause()
        assert "training: momentum, lr 0.01" in text(app, "#status")
        assert "momentum" not in text(app, "Header"), "the line below tells it"
        await pilot.press("space")
        while "paused: space resumes" not in text(app, "#status"):
            app.poll()
            await pilot.pause(0.01)
        await pilot.press("1")
        await pilot.pause()
        assert "paused" in text(app, "Header")
        await pilot.press("2", "space")
        app.poll()
        await pilot.press("x")
        assert isinstance(app.screen, Question)
        await pilot.press("escape")
        assert app.training.session.active
        await pilot.press("x", "y")
        await settle(app, pilot)
        assert "stopped: in epoch 1, test 98.1%" in text(app, "#status")


async def test_a_state_that_changes_while_the_screen_closes_is_not_shown(
    make_app: MakeApp,
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        screen = app.screen
        assert isinstance(screen, TrainScreen)
        await screen.query_one(Header).remove()
        screen.heading = Heading("stopped")


async def test_a_new_run_begins_with_an_empty_board(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert text(app, "#log").count("small on digits") <= 1
        assert len(app.training.board.val_loss.points()) < 8


async def test_a_second_start_does_not_disturb_a_run(make_app: MakeApp) -> None:
    script = Script(run_events(), hold=5)
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        assert script.held.wait(10)
        await pilot.press("f5", "enter", "1", "f5")
        assert len(script.networks) == 1
        assert app.current_mode == "train"
        script.go.set()
        await settle(app, pilot)


async def test_a_broken_network_is_not_trained_and_the_reason_is_shown(make_app: MakeApp) -> None:
    app = make_app(BROKEN)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await pilot.pause()
        assert not app.training.session.active
        assert isinstance(app.screen, BuildScreen)
        assert app.builder.row.key == "1"
        assert "does not tile" in text(app, "#doctor")
        assert any("cannot be trained" in note.message for note in app._notifications)
        await pilot.press("2", "enter")
        await pilot.pause()
        assert app.current_mode == "build"


async def test_an_empty_network_is_not_trained(make_app: MakeApp) -> None:
    app = make_app(Network())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await pilot.pause()
        assert not app.training.session.active
        assert any("no layers" in note.message for note in app._notifications)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DataError("There is no dataset called 'x'.", "Did you mean y?"), "Did you mean y?"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError"),
    ],
)
async def test_a_fault_in_the_trainer_is_shown_and_the_app_lives(
    make_app: MakeApp, error: Exception, words: str
) -> None:
    def runner(network: Network, control: Control, emit: Emit) -> None:
        raise error

    app = make_app(runner=runner)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        assert "failed:" in text(app, "#status")
        assert words in " ".join(text(app, "#log").split())
        await pilot.press("1", "down", "D")
        assert len(app.builder.network.layers) == 5


async def test_losses_that_are_not_finite_are_drawn_as_far_as_they_go(make_app: MakeApp) -> None:
    events = [
        started(),
        *(batch(step, 1.0 / step, number=step) for step in range(1, 5)),
        *(batch(step, loss) for step, loss in ((5, math.inf), (6, math.nan))),
        ended("failed", 6, message="The loss is NaN."),
    ]
    app = make_app(runner=Script(events))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5", "g")
        await settle(app, pilot)
        assert "failed: The loss is NaN." in text(app, "#status")
        assert any(0x2800 < ord(char) <= 0x28FF for char in text(app, "#loss"))


async def test_the_log_scale_changes_the_axis(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        linear = text(app, "#loss")
        await pilot.press("g")
        await pilot.pause()
        assert text(app, "#loss") != linear
        assert "10┤" in text(app, "#loss")
        await pilot.press("g")
        await pilot.pause()
        assert text(app, "#loss") == linear


async def test_an_equal_picture_is_not_drawn_twice(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        chart = app.screen.query_one("#loss", Chart)
        before = chart.picture
        for _ in range(5):
            app.poll()
            app.show()
            await pilot.pause()
        assert chart.picture is before


async def test_the_recipe_is_edited_for_the_next_run(make_app: MakeApp) -> None:
    script = Script(run_events())
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "t")
        await pilot.pause()
        await pilot.pause()
        await pilot.press("7", "f5")
        await settle(app, pilot)
        assert script.networks[0].training.epochs == 7
        assert SMALL.training.epochs == 3


@pytest.mark.parametrize("size", [(60, 18), (60, 20), (80, 24), (120, 40), (200, 60)])
async def test_every_row_ends_inside_its_widget(make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        for widget in app.screen.query(Lines).results(Lines):
            for y in range(widget.content_size.height):
                assert widget.render_line(y).cell_length == widget.content_size.width


async def test_a_window_that_changes_its_size_during_a_run(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f5")
        await settle(app, pilot)
        for size in ((80, 24), (30, 10), (1, 1), (200, 60), (60, 18)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "done" in text(app, "#status")


async def test_a_mode_that_comes_to_the_front_has_heard_of_the_size(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "1")
        for size, small in (((20, 5), True), ((80, 24), False)):
            await pilot.resize_terminal(*size)
            await pilot.press("2")
            await pilot.pause()
            assert app.screen.query_one("TooSmall").display is small
            await pilot.press("1")


async def test_a_size_that_changes_while_a_mode_is_made_is_heeded(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.simulate_key("f5")
        await pilot.resize_terminal(20, 5)
        await settle(app, pilot)
        assert app.screen.query_one("TooSmall").display
