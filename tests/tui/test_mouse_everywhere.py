"""The mouse on every widget of every screen: a click chooses or focuses, the wheel scrolls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from places import WAYS, reach
from runs_made import make_runs
from sweeps_made import make_sweep
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widget import Widget

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.widgets.bars import Header, KeyBar

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
BARS = (Header, KeyBar)
"""What leads elsewhere wherever it is clicked."""


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


async def back_to(pilot: Pilot[None], depth: int) -> None:
    """Close what a click has opened."""
    for _ in range(4):
        if len(pilot.app.screen_stack) <= depth:
            return
        await pilot.press("escape")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
@pytest.mark.parametrize("scope", WAYS)
async def test_a_mouse_over_every_widget(
    make_app: MakeApp, runs: Path, scope: str, size: tuple[int, int]
) -> None:
    app = make_app()
    app.places.runs = runs
    log = []
    async with app.run_test(size=size, notifications=True) as pilot:
        await reach(app, pilot, scope)
        here, depth = app.screen, len(app.screen_stack)
        for widget in list(seen(app)):
            region = widget.region.intersection(app.screen.region)
            if not region.area or not widget.is_attached: continue
            for x, y in {(region.x, region.y), (region.x + region.width // 2, region.y + region.height // 2), (region.right - 1, region.bottom - 1)}:
                for kind in (MouseScrollDown, MouseScrollUp):
                    wheel(app, (x, y), kind)
                await pilot.pause()
                await pilot.click(offset=(x, y))
                if widget.focusable and not widget.has_focus_within and app.screen is here and app.screen.get_widget_at(x,y)[0] is widget:
                    log.append(("no focus", widget, (x,y), app.focused))
                if app.screen is not here:
                    log.append(("opened", widget, (x, y), app.screen, app.current_mode))
                await back_to(pilot, depth)
                assert app.screen is here, (widget, app.screen)
    print(scope, size, *log, sep="\n    ")
