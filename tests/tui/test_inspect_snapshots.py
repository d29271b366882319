"""Pictures of every view, compared with those kept beside this file.

After a wanted change: ``python -m pytest tests/tui/test_inspect_snapshots.py --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from inspected import make_runs_to_inspect
from runs_made import until
from textual.pilot import Pilot

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.inspect.pane import InspectPane
from cnn_tui.tui.inspect.table import VIEWS
from cnn_tui.tui.messages import InspectRun
from cnn_tui.tui.terminal.link import Link

pytestmark = pytest.mark.slow

LINKS = {"truecolor": Link(), "16": Link(color="16"), "ascii": Link(ascii=True)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs_to_inspect(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("look", LINKS)
@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_a_view(
    snap_compare: Callable[..., bool],
    make_app: Callable[..., CnnTuiApp],
    root: Path,
    view: str,
    look: str,
    size: tuple[int, int],
) -> None:
    app = make_app(link=LINKS[look])
    app.places.runs = root

    async def drive(pilot: Pilot[None]) -> None:
        app.post_message(InspectRun(RunFolder(root / "small-2")))
        await until(pilot, lambda: bool(app.screen.query(InspectPane)))
        for _ in range([view.name for view in VIEWS].index(view)):
            await pilot.press("down")
        pane = app.screen.query_one(InspectPane)
        if pane.seen is None and "enter" in pane.words:
            await pilot.press("enter")
        await until(pilot, lambda: pane.seen is not None)
        await pilot.press("right")

    assert snap_compare(app, terminal_size=size, run_before=drive)
