"""The ladder of baselines in the app, on the digits, with real trainings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from driving import text
from runs_made import until
from scripted import SMALL
from textual.widgets import Static

from cnn_tui.engine.baselines.suite import BaselineSuite
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.history import baseline_runner
from cnn_tui.tui.screens.baselines import BaselinesScreen
from cnn_tui.tui.screens.build import BuildScreen

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture
def two_short_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ladder of the screen, but short."""
    import cnn_tui.engine.baselines.suite as module

    def short(*args: object, **others: object) -> BaselineSuite:
        rungs = ("linear-softmax", "two-layer")
        return BaselineSuite(*args, epochs=2, rungs=rungs, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "BaselineSuite", short)
    assert baseline_runner.RUNGS[0] == "knn"


async def test_the_ladder_is_climbed_once(
    make_app: MakeApp, tmp_path: Path, two_short_rungs: None
) -> None:
    for again in (False, True):
        app = make_app()
        app.places.runs = tmp_path / "runs"
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("f7")
            words = "2 of 5 complete" if again else "enter trains the missing baselines"
            await until(pilot, lambda app=app, words=words: words in text(app, "#climb"))
            await pilot.press("enter", "enter")
            await until(pilot, lambda app=app: "complete; each" in text(app, "#climb"))
            rows = text(app, "#rungs").splitlines()
            assert "%" in rows[3] and "linear-softmax-1" in rows[3]
            assert rows[1].split() == ["knn", "-"] or rows[1].split() == [">", "knn", "-"]
            bars = text(app, "#bars").splitlines()
            assert "training time" in bars[0]
            assert "linear-softmax" in bars[1] and "━━" in bars[1] and "two-layer" in bars[2]
            await pilot.press("escape")
            assert isinstance(app.screen, BuildScreen)
        assert len([one for one in (tmp_path / "runs").iterdir() if one.name[0] != "."]) == 2, again


async def test_before_the_first_training_all_are_described(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    app.places.runs = tmp_path / "runs"
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f7")
        await until(pilot, lambda: "a guess is right in 10.0%" in text(app, "#climb"))
        assert all(name in text(app, "#weights-words") for name in baseline_runner.RUNGS)
        assert "fc 100 | relu | fc 10   20 epochs" in text(app, "#weights-words")
        assert "7,510" in text(app, "#rungs").splitlines()[4]


async def test_what_was_done_is_shown_at_once_and_closer(make_app: MakeApp, tmp_path: Path) -> None:
    root, baselines = tmp_path / "runs", ("knn", "linear-svm", "two-layer")
    list(
        BaselineSuite(load_dataset("digits"), "digits", root, rungs=baselines).run(
            lambda event: None
        )
    )
    app = make_app()
    app.places.runs = root
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f7")
        await until(pilot, lambda: "3 of 5 complete" in text(app, "#climb"))
        assert "none" in text(app, "#bars").splitlines()[1]
        chart = text(app, "#folds")
        assert "k = " in chart and "±" in chart and "·" in chart and "o" in chart
        low = app.screen.query_one("#closer").size.height
        await pilot.press("v")
        assert app.screen.query_one("#closer").size.height == low + 6
        await pilot.press("v", "down")
        await until(pilot, lambda: "one template per class" in text(app, "#weights-words"))
        assert {"0", "9"} <= set(templates(app).split()) and "▀" in templates(app)
        await pilot.press("down")
        assert "linear-softmax: not trained yet" in text(app, "#weights-words")
        await pilot.press("down")
        await until(pilot, lambda: "100 hidden units" in text(app, "#weights-words"))
        assert "#" in templates(app)


def templates(app: CnnTuiApp) -> str:
    static = app.screen.query_one("#templates", Static)
    return "\n".join(static.render_line(y).text for y in range(static.size.height))


async def test_data_that_is_not_here_is_told(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(msgspec.structs.replace(SMALL, data="fashion-mnist"))
    app.places.runs = tmp_path / "runs"
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f7", "enter")
        await until(pilot, lambda: "fashion-mnist is not downloaded yet" in text(app, "#climb"))
        assert isinstance(app.screen, BaselinesScreen)
