"""Pictures of every screen: ``python docs/gallery.py [NAME...] [--size 80x24] [--look dark]``.

They go to ``build/gallery``, with a page that shows them side by side: three sizes of a terminal,
in dark, light and 16 colours, on real runs that are trained for it. Nobody keeps them; they
are there to be looked at after a change.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal, get_args

from pixels import pixels
from textual.pilot import Pilot

from cnn_tui.engine import record
from cnn_tui.engine.lessons.progress import LessonProgress
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.names import DEMO_RUN, RUNS_VARIABLE
from cnn_tui.engine.runs.playback import read_playback
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.inspect.table import VIEWS
from cnn_tui.tui.session import Emit, Session
from cnn_tui.tui.terminal.link import Color, Link
from cnn_tui.tui.theme import LIGHT
from cnn_tui.tui.training import Places, Training

FOLDER = Path(__file__).parents[1] / "build" / "gallery"
SIZES = ((80, 24), (120, 40), (200, 60))
_SIZES = [f"{width}x{height}" for width, height in SIZES]
Look = Literal["dark", "light", "16", "ascii", "none"]
"""``none`` is what ``NO_COLOR`` asks for."""
SHOWN = 0.6
"""Part of a training that a picture of it shows."""
BUSY = re.compile(r"computing|reading|measuring|asking|being read")
PATIENCE = 40.0
SWEEP = """
name = "rates"
base = "digits-convnet"

[search]
sampler = "random"
trials = 8

[set]
epochs = 3

[space]
lr = { log-uniform = [0.0005, 2] }
conv1.out_channels = { choice = [8, 16, 32] }
"""


@dataclass(frozen=True)
class Shot:
    """A screen, the keys that lead to it, and the network in Build; ``~2`` waits two seconds."""

    name: str
    keys: tuple[str, ...] = ()
    network: str = ""
    """A preset; that of the demo if empty."""
    trains: bool = False
    """Whether a run is active, the demo's."""


_BREAK = ("down", "down", "down", "down", "enter", "down", "down", "2", "escape")
_SOLVE = ("down", "enter", "tab", *"11", "tab", "4", "tab", "0", "escape")
"""The first lesson: kernel, stride and padding of AlexNet's first convolution."""
SHOTS = (
    Shot("build"),
    Shot("build-form", ("down", "enter")),
    Shot("build-doctor", _BREAK, "lenet5"),
    Shot("build-recipe", ("t",)),
    Shot("build-quick", ("down", "slash", *"conv", "space", "3", "2")),
    Shot("build-blocks", ("down",) * 12, "resnet18"),
    Shot("build-branches", ("down",) * 9, "shufflenet_v2_x1_0"),
    Shot("build-volumes", ("down", "v", "right", "right"), "alexnet"),
    Shot("build-deep", ("end",), "resnet110"),
    Shot("build-name", ("enter", "tab", "tab", *"名前 of a network that is long")),
    Shot("build-empty", ("n",)),
    Shot("dialog-open", ("o",)),
    Shot("dialog-open-filter", ("o", *"resnet5")),
    Shot("dialog-open-error", ("o", *"none.toml", "enter")),
    Shot("dialog-insert", ("down", "i")),
    Shot("dialog-pattern", ("p",)),
    Shot("dialog-transform", ("down", "T")),
    Shot("dialog-forecast", ("F", "~3")),
    Shot("dialog-save", ("S",)),
    Shot("dialog-preflight", ("f3", "~6")),
    Shot("dialog-lr-finder", ("f4", "~8")),
    Shot("dialog-help", ("question_mark",)),
    Shot("dialog-palette", ("ctrl+p", *"run")),
    Shot("dialog-themes", ("f9",)),
    Shot("train-ready", ("2",)),
    Shot("train", ("f5",), trains=True),
    Shot("train-settings", ("f5", "~1", "l"), trains=True),
    Shot("train-stop", ("f5", "~1", "x"), trains=True),
    Shot("train-quit", ("f5", "~1", "q"), trains=True),
    Shot("demo", ("f8", "~9", "space")),
    Shot("demo-over", ("f8", *("plus",) * 5, "~2")),
    Shot("runs", ("3",)),
    Shot("runs-empty", ("3",)),
    Shot("runs-filter", ("3", "slash", *"digits")),
    Shot("runs-filtered", ("3", "slash", *"digits", "enter")),
    Shot("runs-delete", ("3", "x")),
    Shot("runs-reproduce", ("3", "down", "a")),
    Shot("run", ("3", "down", "enter")),
    Shot("run-recorded", ("3", "enter")),
    Shot("run-recorded-further", ("3", "enter", "c")),
    Shot("compare", ("3", "down", "m", "m", "c")),
    Shot("weights", ("3", "down", "down", "down", "w")),
    *(
        Shot(f"inspect-{view.name}", ("4", *("down",) * at, *("enter",) * bool(view.start)))
        for at, view in enumerate(VIEWS)
    ),
    Shot("sweeps", ("5", "escape")),
    Shot("sweep", ("5",)),
    Shot("sweep-parallel", ("5", "c")),
    Shot("sweep-slice", ("5", "c", "c")),
    Shot("sweep-importance", ("5", "c", "c", "c")),
    Shot("sweep-front", ("5", "c", "c", "c", "c")),
    Shot("sweep-start", ("5", "escape", "f5")),
    Shot("datasets", ("f6",)),
    Shot("datasets-classes", ("f6", "c")),
    Shot("datasets-augmented", ("f6", "a")),
    Shot("baselines", ("f7",)),
    Shot("learn", ("6",)),
    Shot("lesson", ("6", "enter")),
    Shot("lesson-train", ("6", "enter", "2")),
    Shot("lesson-inspect", ("6", "enter", "4")),
    Shot("lesson-hint", ("6", "enter", "ctrl+t")),
    Shot("lesson-text", ("6", "enter", "f2")),
    Shot("lesson-solved", ("6", "enter", *_SOLVE)),
)


def main(names: Iterable[str], sizes: Iterable[tuple[int, int]], looks: Iterable[Look]) -> None:
    """Make the pictures whose names begin with one of these, all if there are none."""
    wanted = tuple(names)
    shots = [shot for shot in SHOTS if shot.name.startswith(wanted or ("",))]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        # As a newcomer has them: no lesson begun, no setting changed.
        homes = dict.fromkeys(("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), folder)
        os.environ |= homes | {RUNS_VARIABLE: str(runs)}
        _make_runs(runs)
        for shot in shots:
            for size in sizes:
                for look in looks:
                    asyncio.run(_picture(shot, size, look, runs))
            print(shot.name, flush=True)
    (FOLDER / "index.html").write_text(_page())


def _make_runs(runs: Path) -> None:
    """Short trainings, a sweep, and a run of another program."""

    def cnn_tui(*words: str) -> None:
        command = [sys.executable, "-m", "cnn_tui.tui", *words, "--runs-dir", str(runs)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    file = runs.with_name("rates.toml")
    file.write_text(SWEEP)
    cnn_tui("sweep", str(file))
    for words in ("softmax-linear", "three-layer", "digits-convnet", "digits-convnet --lr 0.005"):
        cnn_tui("train", *words.split(), "--epochs", "6")
    shutil.copytree(DEMO_RUN, runs / "lenet-demo-1")
    settings = {"model": "unet", "lr": 0.001, "epochs": 8, "batches": 25}
    with record("unet", config=settings, runs_dir=runs) as run:
        for step in range(200):
            loss = 0.2 + 2 / (1 + step / 20)
            run.batch(loss=loss, lr=0.001, grad_norm=3 * loss, dice=1 - loss / 3)
            if step % 25 == 24:
                run.epoch(val_loss=loss + 0.05, val_dice=1 - loss / 2.8)


async def _picture(shot: Shot, size: tuple[int, int], look: Look, runs: Path) -> None:
    # A lesson that an earlier picture solved would begin the next one.
    LessonProgress().path.unlink(missing_ok=True)
    network = load_preset(shot.network) if shot.network else RunFolder(DEMO_RUN).network()
    places = Places(runs.with_name("none") if shot.name.endswith("empty") else runs)
    colors: dict[Look, Color] = {"16": "16", "ascii": "16", "none": "none"}
    link = Link(color=colors.get(look, "auto"), ascii=look == "ascii")
    app = CnnTuiApp(Builder(Document(network)), Training(Session(_replayed), places), link)
    if look == "light":
        app.wear(LIGHT.name, few_colors=False)
    async with app.run_test(size=size, notifications=True) as pilot:
        await _ready(app, pilot)
        for key in shot.keys:
            if key.startswith("~"):
                await asyncio.sleep(float(key[1:]))
            else:
                await pilot.press(key)
                if key in "345" or key in ("f6", "f7", "enter", "c"):
                    await _ready(app, pilot)
        svg = await _ready(app, pilot)
        app.training.session.stop()
    pixels(svg).save(FOLDER / f"{shot.name}-{size[0]}x{size[1]}-{look}.png")


async def _ready(app: CnnTuiApp, pilot: Pilot[None]) -> str:
    """Wait until nothing on the screen changes any more, at most a while; returns its picture."""
    before, began = "", time.monotonic()
    while time.monotonic() - began < PATIENCE:
        await pilot.pause(0.3)
        now = app.export_screenshot()
        if now == before and not BUSY.search(now):
            break
        before = now
    return before


def _replayed(network: Network, control: Control, emit: Emit) -> None:
    """Give out the first part of the demo, then wait to be stopped."""
    events = [moment.event for moment in read_playback(DEMO_RUN).moments]
    for event in events[: int(len(events) * SHOWN)]:
        emit(event)
    while not control.stopping:
        time.sleep(0.05)


def _page() -> str:
    """A page with every picture there is, a row for each screen and look."""
    rows: dict[str, list[str]] = {}
    for file in sorted(FOLDER.glob("*.png")):
        name, _, look = file.stem.rpartition("-")
        rows.setdefault(f"{name.rpartition('-')[0]}, {look}", []).append(file.name)
    body = "".join(
        f"<h2>{escape(title)}</h2>\n"
        + "".join(f'<a href="{name}"><img src="{name}" width="32%"></a>\n' for name in names)
        for title, names in rows.items()
    )
    return f"<!doctype html><meta charset=utf-8><title>cnn-tui</title>\n{body}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--size", choices=_SIZES, action="append")
    parser.add_argument("--look", choices=get_args(Look), action="append")
    given = parser.parse_args()
    chosen = [size for size in SIZES if f"{size[0]}x{size[1]}" in (given.size or _SIZES)]
    main(given.names, chosen, given.look or ("dark", "light", "16"))
