"""Pictures of the history and what it leads to, compared with those kept beside this file.

After a wanted change: ``python -m pytest tests/tui/test_runs_snapshots.py --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from driving import text
from runs_made import until
from scripted import run_events
from textual.pilot import Pilot

from cnn_tui.engine.runs.folder import RunInfo, create_run
from cnn_tui.engine.runs.writer import Journal
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.events import RunStarted
from cnn_tui.tui.app import CnnTuiApp

MakeApp = Callable[..., CnnTuiApp]
SnapCompare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture
def app(make_app: MakeApp, tmp_path: Path) -> CnnTuiApp:
    """The app on a history whose times and sizes are always the same."""
    network = load_preset("digits-convnet")
    for number, epochs in enumerate((3, 8, 5), start=1):
        info = RunInfo(
            created=f"2026-01-0{number}T12:00:00.000Z", version="1", arch="small", data="digits"
        )
        training = msgspec.structs.replace(network.training, epochs=epochs)
        described = msgspec.structs.replace(network, name="small", training=training)
        folder = create_run(tmp_path, described, info, Storage())
        folder.lock_file.touch()
        journal = Journal(folder, Storage(), 0, 0)
        for event in run_events(epochs=epochs):
            named = isinstance(event, RunStarted)
            journal.add(msgspec.structs.replace(event, run=folder.name) if named else event)
        journal.flush()
        journal.write_summary()
        journal.close()
        summary = msgspec.json.decode(folder.summary_file.read_bytes())
        summary["created"] = info.created
        folder.summary_file.write_bytes(msgspec.json.encode(summary))
    app = make_app()
    app.places.runs = tmp_path
    return app


def after(keys: tuple[str, ...], selector: str, words: str) -> Before:
    async def drive(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, CnnTuiApp)
        await pilot.press("3")
        await until(pilot, lambda: "small-1" in text(app, "#runs"))
        await pilot.press(*keys)
        await until(pilot, lambda: words in text(app, selector))

    return drive


def test_the_history(snap_compare: SnapCompare, app: CnnTuiApp) -> None:
    drive = after(("m", "m"), "#run", "small-1")
    assert snap_compare(app, terminal_size=(80, 24), run_before=drive)


def test_a_comparison(snap_compare: SnapCompare, app: CnnTuiApp) -> None:
    drive = after(("m", "m", "m", "c"), "#comparison", "best val")
    assert snap_compare(app, terminal_size=(120, 40), run_before=drive)


def test_samples(snap_compare: SnapCompare, make_app: MakeApp) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, CnnTuiApp)
        await pilot.press("f6")
        await until(pilot, lambda: "to train" in text(app, "#dataset"))

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=drive)
