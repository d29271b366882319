"""The charts of a training: looked at, zoomed, read, with earlier runs, at any size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from driving import settle, text, type_in
from runs_made import make_runs
from scripted import Script, run_events
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.dashboard.pictures import x_axis
from cnn_tui.tui.screens.dialog import Picker
from cnn_tui.tui.screens.train import TrainScreen
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
