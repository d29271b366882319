"""The app on its list of runs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from driving import text
from runs_made import until
from textual.pilot import Pilot

from cnn_tui.tui.app import CnnTuiApp

MakeApp = Callable[..., CnnTuiApp]


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
