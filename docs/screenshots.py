"""Makes the pictures of the app beside it: ``python docs/screenshots.py [NAME...]``.

The networks are built by keys in the real app, and the curves are those of a real training with a
fixed seed. Only the clock is another one: a steady rate instead of this machine's speed, so that
the same code gives the same pictures.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
from textual.pilot import Pilot

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.sweeps.folder import list_sweeps
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, EpochCompleted, RunEvent
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.session import Emit, Runner, Session, train
from cnn_tui.tui.training import Places, Training

FOLDER = Path(__file__).parent
SIZE = (120, 32)
RATE = 10_000.0
"""Images per second of the steady clock."""
SHOWN = 0.66
"""Part of the run that the picture shows."""
_USE = re.compile(r"cpu&#160;\d+%&#160;\d+&#160;MB")
"""What this machine spends, which is another each time."""
BEGAN, ENDED = "2026-01-01T12:00:00+00:00", "2026-01-01T12:02:00+00:00"
SLICE = ("5", "c", "c")
"""The keys that lead to the learning rate of a sweep."""
BREAK_A_STRIDE = ("down", "down", "down", "down", "enter", "down", "down", "2", "escape")


def main(names: Collection[str]) -> None:
    """Make the pictures that are named, all if none is."""
    alexnet = load_preset("alexnet")
    trap = msgspec.structs.replace(alexnet, input=(3, 224, 224))
    built: dict[str, tuple[Network, tuple[str, ...]]] = {
        "build": (load_preset("lenet5"), BREAK_A_STRIDE),
        "doctor": (trap, ("down",)),
        "volumes": (alexnet, ("down", "v", *["right"] * 3)),
    }
    for name, (network, keys) in built.items():
        if not names or name in names:
            asyncio.run(_picture(name, network, train, keys))
    if not names or "train" in names:
        network = load_preset("digits-convnet")
        asyncio.run(_picture("train", network, _replay(_recorded(network)), ("f5",)))
    if Places().lacks("mnist"):
        print("The picture of a sweep stays as it is: it needs MNIST, cnn-tui data fetch mnist.")
    elif not names or "sweep" in names:
        with tempfile.TemporaryDirectory() as runs:
            _sweep(Path(runs))
            asyncio.run(_picture("sweep", load_preset("lenet5"), train, SLICE, Path(runs)))


def _sweep(runs: Path) -> None:
    """Run the sweep of the package, then give it another clock and other names of workers."""
    command = [sys.executable, "-m", "cnn_tui.tui", "sweep", "lenet5-lr", "--runs-dir", str(runs)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (folder,) = list_sweeps(runs)
    lines = [_steady(json.loads(line)) for line in folder.trials_file.read_text().splitlines()]
    # Trials that run at the same time report in any order.
    lines.sort(key=lambda line: line.get("number", -1))
    folder.trials_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    status = folder.status()
    folder.write_status(msgspec.structs.replace(status, started=BEGAN, ended=ENDED))


def _steady(line: dict[str, Any]) -> dict[str, Any]:
    same = {"seconds": 10.0, "worker": "worker-1", "at": BEGAN}
    return {name: same.get(name, value) for name, value in line.items()}


async def _picture(
    name: str,
    network: Network,
    runner: Runner,
    keys: tuple[str, ...],
    runs: Path | None = None,
) -> None:
    places = Places(runs) if runs else Places()
    app = CnnTuiApp(Builder(Document(network)), Training(Session(runner), places))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*keys)
        await _quiet(app, pilot)
        svg = app.export_screenshot(title=f"cnn-tui: {name}")
        app.training.session.stop()
    svg = _USE.sub("cpu&#160;87%&#160;87&#160;MB", _without_remote_fonts(svg))
    (FOLDER / f"{name}.svg").write_text(svg)


async def _quiet(app: CnnTuiApp, pilot: Pilot[None]) -> None:
    """Wait until nothing on the screen changes any more."""
    before = ""
    while before != (before := app.export_screenshot()):
        await pilot.pause(1.0)


def _recorded(network: Network) -> list[RunEvent]:
    events: list[RunEvent] = []
    train(network, Control(), events.append)
    return [_timed(event, network.training.batch_size) for event in events]


def _timed(event: RunEvent, batch_size: int) -> RunEvent:
    if not isinstance(event, BatchCompleted | EpochCompleted):
        return event
    seconds = event.step * batch_size / RATE
    return msgspec.structs.replace(event, images_per_second=RATE, seconds=seconds)


def _replay(events: list[RunEvent]) -> Runner:
    """A runner that gives out the first part of a run and then waits to be stopped."""

    def run(network: Network, control: Control, emit: Emit) -> None:
        for event in events[: int(len(events) * SHOWN)]:
            emit(event)
        while not control.stopping:
            time.sleep(0.05)

    return run


def _without_remote_fonts(svg: str) -> str:
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    main(sys.argv[1:])
