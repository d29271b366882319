"""Makes one small file of each format as of this version: ``python tests/formats/make.py 2``.

The number is that of the folder, ``v2``. Run it once when a version in ``engine/formats.py`` has
risen, and never for a folder that is there: ``test_kept_files.py`` opens what earlier versions
wrote. Names of machines are taken out; the path of the runs is that of a folder in ``/tmp``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.lessons.progress import LessonProgress
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import dumps_network
from cnn_tui.engine.specs.layers import FC, LAYER_TYPES, Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.sweeps.folder import SweepInfo, SweepStatus, create_sweep
from cnn_tui.engine.sweeps.lines import SweepBegun, TrialAsked, TrialEnded, TrialStarted
from cnn_tui.tui.cli.main import main

HERE = Path(__file__).parent
INPUT = (4, 32, 32)
RUN = """\
name = "kept"
input = [1, 8, 8]
layers = [
  { type = "conv", out_channels = 2, kernel_size = 3, padding = "same" }, { type = "batchnorm" },
  { type = "relu" }, { type = "maxpool" }, { type = "fc", out_features = 10 },
]

[training]
epochs = 2
limit = 40
batch_size = 16
"""
SWEEP = """\
description = "Learning rates and widths"
base = "two-layer"

[search]
sampler = "grid"

[space]
lr = { choice = [0.1, 0.01] }
"fc1.out_features" = { choice = [10, 20] }
"""
CONFIG = """\
theme = "nord"
fps = 2
ascii = true

[keys]
"train.pause-resume" = "P"
"""


LESSON = """\
name = "small-net"
title = "A smaller network"
chapter = "Mine"
minutes = 5
text = "Make it smaller."
hints = ["One.", "Two.", "Three."]
why = "It has fewer parameters."

[start]
layers = [{ type = "fc", out_features = 20 }, { type = "relu" }, { type = "fc", out_features = 10 }]

[task]
text = "Use at most half of the parameters."

[[task.conditions]]
text = "half of the parameters"
of = "check"
path = "total_params"
times_start_at_most = 0.5
else = "{value} parameters, at the start {start}"

[solution]
base = "start"
layers = [{ type = "fc", out_features = 10 }]
"""


def every_layer() -> Network:
    """A network with each kind of layer, as far as it fits behind those before it."""
    layers: tuple[Layer, ...] = ()
    for tag, kind in LAYER_TYPES.items():
        for text in (kind.info.example or tag, tag):
            added = (*layers, *parse_quick(text)) if kind is not FC else layers
            if check(Network(input=INPUT, layers=(*added, FC(out_features=3)))).valid:
                layers = added
                break
    return Network(name="every-layer", input=INPUT, layers=(*layers, FC(out_features=3)))


def make(place: Path) -> None:
    place.mkdir()
    (place / "architecture.toml").write_text(dumps_network(every_layer()))
    (place / "sweep.toml").write_text(SWEEP)
    (place / "config.toml").write_text(CONFIG)
    (place / "lesson.toml").write_text(LESSON)
    LessonProgress(place / "lessons.json").tried("small-net", solved=True)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        Path("kept.toml").write_text(RUN)
        assert main(["train", "kept.toml", "--runs-dir", "runs", "--threads", "1"]) == 0
        assert main(["runs", "--runs-dir", "runs", "tag", "kept-1", "good"]) == 0
        make_sweep(Path("runs"))
        shutil.copytree("runs", place / "runs")
    told = place / "runs" / "kept-1" / "environment.jsonl"
    anonymous = {"host": "host", "cpu": "cpu", "system": "system", "pid": 1}
    told.write_text(json.dumps(json.loads(told.read_text()) | anonymous) + "\n")


def make_sweep(runs: Path) -> None:
    """A sweep of one trial, whose run is not kept."""
    at = "2026-01-02T12:00:00.000Z"
    info = SweepInfo(created=at, version="0.1.0")
    folder = create_sweep(runs, "kept-sweep", info, SWEEP, dumps_network(Network(name="base")))
    lines = (
        SweepBegun(
            title="kept-sweep",
            fields=("lr", "fc1.out_features"),
            objectives=("accuracy",),
            directions=("maximize",),
            total=4,
            epochs=2,
            at=at,
        ),
        TrialAsked(
            number=0,
            values={"lr": 0.1, "fc1.out_features": 10},
            runs=(f"{folder.name}-0",),
            epochs=2,
            parameters=650,
            macs=640,
        ),
        TrialStarted(number=0, seed=0, worker="w", attempt=1),
        TrialEnded(number=0, state="finished", value=0.5, seconds=1.5),
    )
    folder.trials_file.write_bytes(b"".join(encode(line) + b"\n" for line in lines))
    folder.write_status(SweepStatus(phase="stopped", started=at, ended=at))


if __name__ == "__main__":
    make(HERE / f"v{sys.argv[1]}")
