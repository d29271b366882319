"""Runs on disk for the tests of the screens that show them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from driving import text
from textual.pilot import Pilot

from cnn_tui.tui.app import CnnTuiApp

QUICK = """
name = "quick"
input = [1, 8, 8]
layers = [{ type = "fc", out_features = 10 }]

[training]
epochs = 3
"""
PATIENCE = 40.0


def make_runs(root: Path, *options: tuple[str, ...]) -> Path:
    """A folder of finished runs ``quick-1`` and so on, one for each set of options."""
    from cnn_tui.tui.cli.main import main

    file = root / "quick.toml"
    file.write_text(QUICK)
    for some in options:
        assert main(["train", str(file), "--runs-dir", str(root / "runs"), *some]) == 0
    return root / "runs"


def crash(folder: Path) -> None:
    """Leave a run as a killed process does: without its end, and said to be running."""
    events = folder / "events.jsonl"
    lines = [line for line in events.read_text().splitlines(True) if '"run_ended"' not in line]
    events.write_text("".join(lines))
    summary = folder / "summary.json"
    summary.write_text(summary.read_text().replace('"completed"', '"running"'))


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait for other threads and processes."""
    for _ in range(int(PATIENCE / 0.02)):
        if condition():
            await pilot.pause()
            return
        await asyncio.sleep(0.02)
    app = pilot.app
    assert isinstance(app, CnnTuiApp)
    shown = "\n".join(text(app, f"#{one.id}") for one in app.screen.query("Lines") if one.id)
    raise AssertionError(shown)
