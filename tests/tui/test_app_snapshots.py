"""Pictures of the app, compared with those kept beside this file.

After a wanted change: ``python -m pytest tests/tui/test_app_snapshots.py --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp

MakeApp = Callable[..., CnnTuiApp]
SnapCompare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]

BREAK_A_STRIDE = ("down", "down", "down", "down", "enter", "down", "down", "2", "escape")


def presses(*keys: str) -> Before:
    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause()

    return press


def test_a_broken_stride(snap_compare: SnapCompare, make_app: MakeApp) -> None:
    app = make_app(load_preset("lenet5"))
    assert snap_compare(app, terminal_size=(80, 24), run_before=presses(*BREAK_A_STRIDE))


def test_the_builder_with_room(snap_compare: SnapCompare, make_app: MakeApp) -> None:
    app = make_app(load_preset("resnet20"))
    assert snap_compare(app, terminal_size=(120, 40), run_before=presses("down", "down", "down"))


def test_help_at_the_least_comfortable_size(snap_compare: SnapCompare, make_app: MakeApp) -> None:
    app = make_app()
    assert snap_compare(app, terminal_size=(80, 24), run_before=presses("question_mark"))
