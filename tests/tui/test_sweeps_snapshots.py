"""Pictures of sweeps, compared with those kept beside this file.

After a wanted change: ``python -m pytest tests/tui/test_sweeps_snapshots.py --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from driving import text, typed
from runs_made import until
from sweeps_made import make_sweep
from textual.pilot import Pilot

from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.sweep import SweepScreen
from cnn_tui.tui.terminal.link import Link

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
SnapCompare = Callable[..., bool]


@pytest.mark.parametrize(
    ("size", "keys", "link"),
    [
        ((80, 24), ("down",), Link()),
        ((120, 40), ("c", "down"), Link()),
        ((200, 60), ("c", "c"), Link()),
        ((80, 24), ("c", "c", "c", "c"), Link(ascii=True, color="16")),
    ],
    ids=("curves-80x24", "parallel-120x40", "slice-200x60", "front-ascii-80x24"),
)
def test_a_sweep(
    snap_compare: SnapCompare,
    make_app: MakeApp,
    tmp_path: Path,
    size: tuple[int, int],
    keys: tuple[str, ...],
    link: Link,
) -> None:
    make_sweep(tmp_path)
    app = make_app(link=link)
    app.places.runs = tmp_path

    async def drive(pilot: Pilot[None]) -> None:
        await typed(pilot, "5")
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        await until(pilot, lambda: "by best" in text(app, "#views"))
        await typed(pilot, *keys)

    assert snap_compare(app, terminal_size=size, run_before=drive)
