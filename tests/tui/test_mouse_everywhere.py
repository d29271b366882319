"""The mouse on every widget of every screen: a click chooses or focuses, the wheel scrolls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driving import typed
from places import WAYS, reach
from runs_made import make_runs
from sweeps_made import make_sweep
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from cnn_tui.tui.actions import DATA, INSPECT, RUNS, TRAIN
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.build_actions import BUILD
from cnn_tui.tui.lesson_actions import LEARN
from cnn_tui.tui.screens.dialog import Dialog
from cnn_tui.tui.sweep_actions import SWEEP
from cnn_tui.tui.widgets.bars import Header, KeyBar

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
BARS = (Header, KeyBar)
"""What leads elsewhere wherever it is clicked."""
SCREENS = {way: scope for scope, way in WAYS.items()}.values()
DIALOGS = (
    (BUILD, "o i p F S T question_mark ctrl+p f9"),
    (RUNS, "slash t n r a x B D f R"),
    (TRAIN, "B"),
    (DATA, "o"),
    (INSPECT, "i r o"),
    (SWEEP, "slash f5"),
    (LEARN, "o"),
)
"""Keys that open dialogs, on the screens of some scopes."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_runs(tmp_path_factory.mktemp("runs"), (), ("--lr", "0.003"))
    make_sweep(root)
    make_sweep(root, "rates")
    return root


def seen(app: CnnTuiApp) -> Iterator[Widget]:
    """The widgets of the screen that a mouse can be over."""
    for widget in list(app.screen.walk_children(Widget)):
        region = widget.region.intersection(app.screen.region)
        if widget.visible and widget.display and region.area and not isinstance(widget, BARS):
            yield widget


def wheel(app: CnnTuiApp, at: tuple[int, int], kind: type[MouseScrollDown | MouseScrollUp]) -> None:
    """Turn the wheel as the terminal tells it; the pilot has none."""
    keys = {"button": 0, "shift": False, "meta": False, "ctrl": False}
    app.post_message(kind(None, *at, 0, 1 if kind is MouseScrollDown else -1, **keys))


def places(widget: Widget) -> set[tuple[int, int]]:
    """The corners of a widget and its middle, as far as they are on the screen."""
    region = widget.region.intersection(widget.screen.region)
    middle = region.x + region.width // 2, region.y + region.height // 2
    return {(region.x, region.y), middle, (region.right - 1, region.bottom - 1)}


async def close(pilot: Pilot[None], wanted: Screen[object]) -> None:
    """Go back from what a click has opened."""
    for _ in range(3):
        if pilot.app.screen is not wanted:
            await pilot.press("escape")
    assert pilot.app.screen is wanted


async def over_every_widget(app: CnnTuiApp, pilot: Pilot[None]) -> None:
    """Turn the wheel and click everywhere; what can take the focus takes it."""
    here = app.screen
    for widget in list(seen(app)):
        for at in places(widget) if widget.is_attached else ():
            for kind in (MouseScrollDown, MouseScrollUp):
                wheel(app, at, kind)
            await pilot.click(offset=at)
            if app.screen is not here:
                await close(pilot, here)
            elif widget.focusable and here.get_widget_at(*at)[0] is widget:
                assert widget.has_focus_within, (widget, app.focused)


@pytest.mark.parametrize("scope", SCREENS)
async def test_a_mouse_over_every_widget(make_app: MakeApp, runs: Path, scope: str) -> None:
    app = make_app()
    app.places.runs = runs
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await reach(app, pilot, scope)
        await over_every_widget(app, pilot)
        await pilot.resize_terminal(120, 40)
        await over_every_widget(app, pilot)


@pytest.mark.parametrize(("scope", "keys"), DIALOGS)
async def test_a_mouse_over_every_dialog(
    make_app: MakeApp, runs: Path, scope: str, keys: str
) -> None:
    app = make_app()
    app.places.runs = runs
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await reach(app, pilot, scope)
        here = app.screen
        for key in keys.split():
            await typed(pilot, key)
            assert isinstance(app.screen, Dialog), key
            await over_every_widget(app, pilot)
            await close(pilot, here)
