"""The ladder of baselines in the app, on the digits, with real trainings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from driving import text
from runs_made import until
from scripted import SMALL

from cnn_tui.engine.baselines.ladder import Ladder
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.history import climb
from cnn_tui.tui.screens.baselines import BaselinesScreen
from cnn_tui.tui.screens.build import BuildScreen

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(autouse=True)
def two_short_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ladder of the screen, but short."""
    import cnn_tui.engine.baselines.ladder as module

    def short(*args: object) -> Ladder:
        return Ladder(*args, epochs=2, rungs=("linear-softmax", "two-layer"))  # type: ignore[arg-type]

    monkeypatch.setattr(module, "Ladder", short)
    assert climb.RUNGS[0] == "knn"


async def test_the_ladder_is_climbed_once(make_app: MakeApp, tmp_path: Path) -> None:
    for again in (False, True):
        app = make_app()
        app.runs_dir = tmp_path / "runs"
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("f7")
            assert "enter climbs the ladder" in text(app, "#climb")
            await pilot.press("enter", "enter")
            await until(pilot, lambda app=app: "done; each" in text(app, "#climb"))
            rows = text(app, "#rungs").splitlines()
            assert "%" in rows[3] and "linear-softmax-1" in rows[3]
            assert rows[1].split() == ["knn", "-"] or rows[1].split() == [">", "knn", "-"]
            bars = text(app, "#bars").splitlines()
            assert "linear-softmax" in bars[0] and "━━" in bars[0] and "two-layer" in bars[1]
            await pilot.press("escape")
            assert isinstance(app.screen, BuildScreen)
        assert len([one for one in (tmp_path / "runs").iterdir() if one.name[0] != "."]) == 2, again


async def test_data_that_is_not_here_is_told(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(msgspec.structs.replace(SMALL, data="fashion-mnist"))
    app.runs_dir = tmp_path / "runs"
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f7", "enter")
        await until(pilot, lambda: "fashion-mnist is not here yet" in text(app, "#climb"))
        assert isinstance(app.screen, BaselinesScreen)
