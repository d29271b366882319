"""The app on its list of runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from driving import text
from runs_made import crash, make_runs, until
from textual.pilot import Pilot

from cnn_tui.tui.app import CnnTuiApp

MakeApp = Callable[..., CnnTuiApp]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_runs(tmp_path_factory.mktemp("runs"), (), ("--lr", "0.003"), ("--seed", "5"))
    crash(root / "quick-3")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


@asynccontextmanager
async def history(
    make_app: MakeApp, root: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[CnnTuiApp, Pilot[None]]]:
    """The app on the list of runs."""
    app = make_app()
    app.places.runs = root
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "reading" not in text(app, "#runs"))
        yield app, pilot


def names(app: CnnTuiApp) -> list[str]:
    return re.findall(r"^[> ][+ ]([\w-]+)", text(app, "#runs"), re.MULTILINE)[1:]


async def type_over(pilot: Pilot[None], words: str) -> None:
    await pilot.press("end", *["backspace"] * 40, *words, "enter")
    await pilot.pause()
