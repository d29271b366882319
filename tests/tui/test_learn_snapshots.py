"""Pictures of lessons: the list, one under way, one solved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from driving import done, text, typed
from lessons_made import BUILD, make_lesson
from runs_made import until
from textual.pilot import Pilot

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.messages import LessonWanted

MakeApp = Callable[..., CnnTuiApp]
SnapCompare = Callable[..., bool]
pytestmark = pytest.mark.slow
SIZES = [(80, 24), (120, 40)]


@pytest.fixture(autouse=True)
def no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def in_lesson(app: CnnTuiApp, file: str, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def go(pilot: Pilot[None]) -> None:
        app.post_message(LessonWanted(file))
        await until(pilot, lambda: app.desk is not None)
        await done(pilot)
        await typed(pilot, *keys)

    return go


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_list(snap_compare: SnapCompare, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app()

    async def go(pilot: Pilot[None]) -> None:
        await typed(pilot, "6")
        await until(pilot, lambda: "The output formula" in text(app, "#lessons"))

    assert snap_compare(app, terminal_size=size, run_before=go)


@pytest.mark.parametrize("size", [*SIZES, (200, 60)], ids=str)
def test_a_lesson_under_way(
    snap_compare: SnapCompare, make_app: MakeApp, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app()
    go = in_lesson(app, make_lesson(tmp_path, BUILD), "ctrl+t", "down")
    assert snap_compare(app, terminal_size=size, run_before=go)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_task_is_solved(
    snap_compare: SnapCompare, make_app: MakeApp, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app()
    keys = ("down", "enter", "down", "down", "down", "1", "escape")
    go = in_lesson(app, make_lesson(tmp_path, BUILD), *keys)
    assert snap_compare(app, terminal_size=size, run_before=go)
