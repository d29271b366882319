"""What the app may load before its first paint, and what it has loaded soon after it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from children import run
from terminal import Terminal

from cnn_tui.tui import screens, theme
from cnn_tui.tui.app import CnnTuiApp

LAUNCH = """
import sys
from pathlib import Path
from cnn_tui.tui.cli.main import main
from cnn_tui.tui.terminal.cells import Cells

file, reduce = Path({file!r}), Cells.reduce

def seen(self, data):
    if "softmax" in data and not file.exists():
        file.write_text(" ".join(sys.modules))
    return reduce(self, data)

Cells.reduce = seen
sys.exit(main([]))
"""
"""The app on its default, whose list ends with this loss; notes what is loaded when it is drawn."""

WARM_UP = """
import sys
from threading import Event
from cnn_tui.tui.quick_app import WarmUp

done = Event()
WarmUp(done.set).start()
assert done.wait(60)
print(*sys.modules)
"""

LATER = {
    "PIL",
    "importlib.metadata",
    "importlib.resources",
    "hashlib",
    "numpy",
    "plotext",
    "rich.progress",
    "secrets",
    "threadpoolctl",
    "tomlkit",
    "zipfile",
}
"""Slow to import, and nothing that the first screen needs."""

UNUSED = {
    "cnn_tui.engine.runs.folder",
    "cnn_tui.engine.specs.doctor",
    "cnn_tui.engine.specs.quick",
    "cnn_tui.engine.sweeps",
    "cnn_tui.tui.dashboard",
    "cnn_tui.tui.history.continuing",
    "cnn_tui.tui.learn",
}
"""Of ours: for faults, typed layers, runs, sweeps and lessons, which the first screen lacks."""

OTHERS = {f"{screens.__name__}.{file}" for file in screens.FILES.values()}

MakeApp = Callable[..., CnnTuiApp]
Start = Callable[..., Terminal]


def test_the_first_paint_waits_for_nothing_that_it_does_not_need(
    start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "modules"
    terminal = start(LAUNCH.format(file=str(file)), XDG_DATA_HOME=str(tmp_path))
    terminal.shows("softmax")
    loaded = set(file.read_text().split())
    assert f"{screens.__name__}.build" in loaded
    assert not loaded & (LATER | UNUSED | OTHERS)
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_a_key_pressed_before_the_first_paint_is_not_lost(start: Start, tmp_path: Path) -> None:
    terminal = start(LAUNCH.format(file=str(tmp_path / "modules")), XDG_DATA_HOME=str(tmp_path))
    terminal.press("?")
    terminal.shows("Choose a row")


def test_no_theme_that_nobody_sees_is_made_readable(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def legible(*_: object) -> dict[str, str]:
        raise AssertionError("this takes a tenth of the time to the first paint")

    monkeypatch.setattr(theme, "legible", legible)
    app = make_app()
    assert app.theme_variables["kind-conv"] == theme.DARK.variables["kind-conv"]


def test_the_warm_up_loads_every_screen_and_the_libraries() -> None:
    done = run([sys.executable, "-W", "error", "-c", WARM_UP])
    loaded = set(done.stdout.split())
    assert loaded >= OTHERS
    assert loaded >= {"numpy", "plotext", "cnn_tui.engine.training.trainer"}


async def test_the_app_warms_up_behind_its_first_paint(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        while not all(app.stylesheet.has_source(str(path)) for path in screens.STYLES):
            await pilot.pause(0.01)


@pytest.mark.parametrize("name", screens.FILES)
def test_a_screen_is_found_by_its_name(name: str) -> None:
    assert getattr(screens, name).__name__ == name


def test_every_style_of_a_screen_is_read_by_the_warm_up() -> None:
    folder = Path(screens.__file__).parent
    first = {"mode.tcss", "build.tcss"}
    assert {path.name for path in screens.STYLES} == {
        path.name for path in folder.glob("*.tcss")
    } - first
