"""The mouse on every widget of every screen: a click chooses or focuses, the wheel scrolls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driving import typed
from places import WAYS, reach
from runs_made import make_runs, until
from sweeps_made import make_sweep
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import OptionList

from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.actions import INSPECT, RUNS, TRAIN
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.build_actions import BUILD
from cnn_tui.tui.lesson_actions import LEARN
from cnn_tui.tui.screens.dialog import Dialog
from cnn_tui.tui.sweep_actions import SWEEP
from cnn_tui.tui.widgets.answers import Answers
from cnn_tui.tui.widgets.bars import Header, KeyBar
from cnn_tui.tui.widgets.scrolled import ScrolledLines
from cnn_tui.tui.widgets.table import Table

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
BARS = (Header, KeyBar)
"""What leads elsewhere wherever it is clicked."""
SCREENS = {way: scope for scope, way in WAYS.items()}.values()
DIALOGS = (
    (BUILD, "o i p F S question_mark ctrl+p f9"),
    (RUNS, "slash t n r a x f R"),
    (TRAIN, "B"),
    (INSPECT, "r o"),
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


def wheel(
    pilot: Pilot[None], at: tuple[int, int], kind: type[MouseScrollDown | MouseScrollUp]
) -> None:
    """Turn the wheel as the terminal tells it; the pilot has none."""
    keys = {"button": 0, "shift": False, "meta": False, "ctrl": False}
    pilot.app.post_message(kind(None, *at, 0, 1 if kind is MouseScrollDown else -1, **keys))


def places(widget: Widget) -> set[tuple[int, int]]:
    """The first cell of a widget and its middle, as far as they are on the screen."""
    region = widget.region.intersection(widget.screen.region)
    middle = region.x + region.width // 2, region.y + region.height // 2
    return {(region.x, region.y), middle} if region.area else set()


def has_more(widget: Widget) -> bool:
    """Whether the wheel has something to show below."""
    if isinstance(widget, Table):
        return widget.cursor + 1 < len(widget.records)
    if isinstance(widget, ScrolledLines):
        room = widget.content_size
        return len(widget.all_lines(room.width)) > widget._top + room.height
    return widget.allow_vertical_scroll and widget.max_scroll_y > widget.scroll_y


def place(widget: Widget) -> tuple[object, ...]:
    """How far it is scrolled."""
    return widget.scroll_y, getattr(widget, "_top", 0), getattr(widget, "cursor", 0)


async def turn_over(pilot: Pilot[None], widget: Widget) -> None:
    """Turn the wheel down and up again."""
    region = widget.region.intersection(widget.screen.region)
    at = region.x + region.width // 2, region.y + region.height // 2
    on_it = region.area and widget in widget.screen.get_widget_at(*at)[0].ancestors_with_self
    more, before = has_more(widget), place(widget)
    wheel(pilot, at, MouseScrollDown)
    await pilot.pause()
    assert place(widget) != before or not (on_it and more), widget
    wheel(pilot, at, MouseScrollUp)
    await pilot.pause()


async def over_every_widget(app: CnnTuiApp, pilot: Pilot[None]) -> None:
    """Turn the wheel and click everywhere; what can take the focus takes it."""
    here = app.screen
    for widget in list(seen(app)):
        if not widget.is_attached:
            continue
        await turn_over(pilot, widget)
        for at in places(widget):
            await pilot.click(offset=at)
            for _ in range(3):
                if app.screen is not here:
                    await pilot.press("escape")
            assert app.screen is here, widget
            if widget.focusable and here.get_widget_at(*at)[0] is widget:
                assert widget.has_focus_within, (widget, app.focused)


@pytest.mark.parametrize("scope", SCREENS)
async def test_a_mouse_over_every_screen(make_app: MakeApp, runs: Path, scope: str) -> None:
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
    app = make_app(load_preset("lenet5"))
    app.places.runs = runs
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await reach(app, pilot, scope)
        here = app.screen
        for key in keys.split():
            for size in ((80, 24), (120, 40)):
                await pilot.resize_terminal(*size)
                await typed(pilot, key)
                await until(pilot, lambda: isinstance(app.screen, Dialog))
                for widget in list(seen(app)):
                    await turn_over(pilot, widget)
                    # A click on a choice is that choice; test_build_mouse.py has it.
                    if not isinstance(widget, Answers | OptionList):
                        await pilot.click(widget)
                        assert isinstance(app.screen, Dialog), (key, widget)
                for _ in range(3):
                    if app.screen is not here:
                        await pilot.press("escape")
                assert app.screen is here, key
