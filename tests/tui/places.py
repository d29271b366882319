"""How to get to every place of the table of keys, for tests that run over the whole table."""

from __future__ import annotations

import re
from collections.abc import Callable

from driving import done, text
from runs_made import until
from textual.pilot import Pilot
from textual.widgets import Input

from cnn_tui.tui.actions import (
    APP,
    COMMANDS,
    COMPARE,
    DATA,
    DEMO,
    INSPECT,
    LADDER,
    RUNS,
    TRAIN,
    WATCH,
    WEIGHTS,
    scopes_of,
)
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.build_actions import BUILD, LIST
from cnn_tui.tui.command import Command
from cnn_tui.tui.inspect.pane import InspectPane
from cnn_tui.tui.lesson_actions import LEARN, LESSON
from cnn_tui.tui.sweep_actions import SWEEP, SWEEPS

MakeApp = Callable[..., CnnTuiApp]

WAYS: dict[str, tuple[str, ...]] = {
    LIST: (),
    BUILD: (),
    APP: (),
    TRAIN: ("2",),
    RUNS: ("3",),
    WATCH: ("3", "enter"),
    DEMO: ("f8",),
    COMPARE: ("3", "m", "m", "c"),
    WEIGHTS: ("3", "w"),
    DATA: ("f6",),
    LADDER: ("f7",),
    INSPECT: ("4",),
    SWEEPS: ("5",),
    SWEEP: ("5", "enter"),
    LEARN: ("6",),
    LESSON: ("6", "enter"),
}
"""The keys that lead from the start to the screen of a scope; a new scope needs a row here."""
LEAVE = ("app.leave", "screen.climb")
"""Commands that end the app, or train for seconds."""


def all_keys() -> list[tuple[Command, str]]:
    """The first key of every command of the table."""
    return [
        (command, command.keys.split(",")[0]) for command in COMMANDS if command.action not in LEAVE
    ]


def name_of(case: object) -> str:
    return f"{case.scope}-{case.action}" if isinstance(case, Command) else str(case)


async def reach(app: CnnTuiApp, pilot: Pilot[None], scope: str) -> None:
    """Go to the screen of a scope."""
    for key in WAYS[scope]:
        await pilot.press(key)
        await done(pilot)
        if key in "356":
            await until(pilot, lambda: "reading" not in cells(app))
        elif key == "f6":
            await until(pilot, lambda: text(app, "#dataset").strip() not in ("", "reading..."))
        elif key == "4":
            pane = app.screen.query_one(InspectPane)
            await until(pilot, lambda pane=pane: pane.seen is not None or bool(pane.words))
    assert scope in scopes_of(app.screen), app.screen


def cells(app: CnnTuiApp) -> str:
    """All cells of the screen with their colours."""
    picture = app.export_screenshot(simplify=True)
    return re.sub(r"terminal-\d+", "terminal", picture).replace("&#160;", " ")


def state(app: CnnTuiApp) -> tuple[object, ...]:
    """Where one is and what was done there."""
    focused = app.focused
    return (
        [type(screen).__name__ for screen in app.screen_stack],
        app.current_mode,
        type(focused).__name__,
        focused.value if isinstance(focused, Input) else "",
        app.builder.network,
        app.builder.cursor,
    )
