"""Pre-flight and learning-rate finder on the screen, both on real data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

import msgspec
import pytest
from driving import settle, text
from scripted import SMALL, Script, run_events
from textual.pilot import Pilot

from cnn_tui.engine.specs.layers import FC, MaxPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training import lr_finder, preflight
from cnn_tui.engine.training.checks.bench import CheckResult
from cnn_tui.engine.training.lr_finder import LrPoint
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.experiment import ExperimentDialog
from cnn_tui.tui.screens.lr_finder import LrFinderDialog

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


async def over(app: CnnTuiApp, pilot: Pilot[None]) -> None:
    dialog = app.screen
    assert isinstance(dialog, ExperimentDialog)
    for _ in range(3000):
        if dialog.over:
            break
        await pilot.pause(0.01)
    else:
        pytest.fail("the experiment does not end")
    await pilot.pause()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_a_pre_flight_passes_line_by_line(make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("f3")
        await over(app, pilot)
        shown = text(app, "TextLines")
        assert shown.count("ok ") == 7
        for check in (
            "input scale",
            "class balance",
            "splits",
            "initial loss",
            "gradients",
            "overfit",
        ):
            assert check in shown
        assert "7 of 7" in shown
        assert "All checks passed" in shown
        assert app.screen.region.contains_region(app.screen.query_one(".window").region)
        await pilot.press("f5")
        await settle(app, pilot)
        assert app.current_mode == "train"


async def test_what_is_wrong_is_said_and_the_recipe_is_a_key_away(make_app: MakeApp) -> None:
    recipe = msgspec.structs.replace(SMALL.training, normalize=False)
    app = make_app(msgspec.structs.replace(SMALL, training=recipe))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "p")
        await over(app, pilot)
        shown = " ".join(text(app, "TextLines").split())
        assert "WRONG input scale" in shown
        assert "Set normalize = true in the recipe." in shown
        assert "input scale is wrong." in shown
        await pilot.press("t")
        await pilot.pause()
        assert app.current_mode == "build"
        assert app.builder.row.key == "training"


async def test_data_that_is_not_there_is_said_in_the_window(make_app: MakeApp) -> None:
    app = make_app(msgspec.structs.replace(SMALL, data="nowhere/at-all.npz"))
    async with app.run_test(size=(80, 24)) as pilot:
        for key, selector in (("f3", "TextLines"), ("f4", "#said")):
            await pilot.press(key)
            await over(app, pilot)
            assert "nowhere/at-all.npz" in text(app, selector)
            await pilot.press("escape")
            assert len(app.screen_stack) == 1


@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_a_broken_network_is_not_tried(make_app: MakeApp, key: str) -> None:
    app = make_app(Network(layers=(MaxPool(kernel_size=3), FC(out_features=10))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def test_a_rate_is_found_and_taken_into_the_recipe(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        await over(app, pilot)
        dialog = app.screen
        assert isinstance(dialog, LrFinderDialog)
        suggested = dialog.lr
        assert suggested is not None
        assert f"Suggested {suggested:g}: the loss falls fastest" in text(app, "#said")
        chart = text(app, "#rates")
        assert "▲" in chart
        assert "1e-05" in chart
        await pilot.press("left")
        assert dialog.lr is not None
        assert 0.7 < dialog.lr / suggested < 0.9
        await pilot.press("home", "r")  # there is no run that could take it
        assert app.screen is dialog
        await pilot.press("enter")
        await pilot.pause()
        assert app.builder.network.training.lr == suggested
        await pilot.press("u")
        assert app.builder.network == SMALL


async def test_a_rate_is_taken_into_the_run_that_goes(make_app: MakeApp) -> None:
    script = Script(run_events(), hold=8)
    app = make_app(runner=script)
    changed = list[tuple[str, Any]]()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f5")
        assert script.held.wait(10)
        app.training.session.change = lambda name, value: changed.append((name, value))  # type: ignore
        await pilot.press("f")
        await over(app, pilot)
        dialog = app.screen
        assert isinstance(dialog, LrFinderDialog)
        found = dialog.lr
        await pilot.press("r")
        await pilot.pause()
        assert changed == [("lr", found)]
        assert app.builder.network == SMALL
        script.go.set()
        await settle(app, pilot)


async def test_stopped_early_it_keeps_what_it_has_seen(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, closed = threading.Event(), threading.Event()

    def endless(*args: object, **options: object) -> Generator[LrPoint, None, None]:
        try:
            for step in range(1, 10**9):
                yield LrPoint(step, 1e-5, 2.3, 2.3)
                seen.set()
                threading.Event().wait(0.001)
        finally:
            closed.set()

    # No network here is slow enough for a test to be in time.
    monkeypatch.setattr(lr_finder, "sweep", endless)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        assert seen.wait(10)
        await pilot.press("x")
        await over(app, pilot)
        assert closed.is_set()
        assert "stopped too early" in text(app, "#said")
        await pilot.press("enter", "escape")
        seen.clear()
        closed.clear()
        await pilot.press("f4")
        assert seen.wait(10)
        await pilot.press("escape")
        assert closed.wait(10)
        assert len(app.screen_stack) == 1


async def test_a_pre_flight_is_cancelled(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def slow(
        *args: object, stopping: Callable[[], bool], **options: object
    ) -> Generator[CheckResult, None, None]:
        yield CheckResult("input scale", True, "Right.")
        begun.set()
        while not stopping():
            threading.Event().wait(0.001)

    # No network here is slow enough for a test to be in time.
    monkeypatch.setattr(preflight, "preflight", slow)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        assert begun.wait(10)
        await pilot.press("x")
        await over(app, pilot)
        assert "Stopped: 6 of 7 were not checked." in text(app, "TextLines")
        await pilot.press("escape")
        assert len(app.screen_stack) == 1
