"""Records the run that ``cnn-tui --demo`` plays: ``python docs/demo.py``.

A real training with a fixed seed, at a learning rate that is too low until the babysitter says so
and it is raised. What is kept is small, and has nothing of the machine that trained it: a steady
clock, five digits of each figure, no paths, and of the best state the weights alone.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.names import DEMO_RUN
from cnn_tui.engine.runs.tensors import TensorFile, encode
from cnn_tui.engine.runs.train import new_run, train_recorded
from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, ReLU
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import Alert, BatchCompleted, RunEvent

NETWORK = Network(
    name="lenet-demo",
    description="LeNet-5 in colour: two convolutions with pooling, then two layers that classify.",
    input=(3, 32, 32),
    data="shapes",
    layers=(
        *(Conv(out_channels=10, kernel_size=5), ReLU(), MaxPool(kernel_size=2)),
        *(Conv(out_channels=20, kernel_size=5), ReLU(), MaxPool(kernel_size=2)),
        *(FC(out_features=48), ReLU(), FC(out_features=10)),
    ),
    training=Recipe(
        epochs=16,
        batch_size=80,
        optimizer="nesterov",
        lr=0.0001,
        l2=0.0005,
        schedule="cosine",
        shift=2,
    ),
)
BEGAN = "2026-01-01T12:00:00.000Z"
RATE = 5_000.0
"""Images per second of the steady clock: 26 seconds for the whole run."""
RAISED, PATIENCE = 0.012, 40
"""The learning rate that a person chooses, and the steps after the verdict that this takes."""
DIGITS = 5


def main() -> None:
    """Train, then write the folder of the package anew."""
    with tempfile.TemporaryDirectory() as runs:
        folder = _trained(Path(runs))
        shutil.rmtree(DEMO_RUN, ignore_errors=True)
        DEMO_RUN.mkdir()
        shutil.copy(folder.network_file, DEMO_RUN)
        kept = RunFolder(DEMO_RUN)
        info = msgspec.structs.replace(folder.info(), created=BEGAN)
        kept.info_file.write_bytes(msgspec.json.format(msgspec.json.encode(info)) + b"\n")
        for source, target in (
            (folder.events_file, kept.events_file),
            (folder.metrics_file, kept.metrics_file),
        ):
            lines = source.read_text().splitlines()
            target.write_text("".join(f"{line}\n" for line in _steady(lines)))
        kept.best_file.write_bytes(b"".join(_weights(folder)))


def _trained(runs: Path) -> RunFolder:
    control = Control()
    due: list[int] = []

    def steer(event: RunEvent) -> None:
        if isinstance(event, Alert) and event.code == "lr-low":
            due.append(event.step + PATIENCE)
        if isinstance(event, BatchCompleted) and event.step in due:
            control.set_lr(RAISED)

    dataset = load_dataset(NETWORK.data)
    with new_run(runs, NETWORK, dataset, control=control) as recorder:
        train_recorded(NETWORK, dataset, recorder, control, steer)
    return RunFolder(Path(recorder.path))


def _steady(lines: list[str]) -> Iterator[str]:
    """The lines by the steady clock, without paths and checkpoints, with few digits."""
    for line in lines:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "checkpoint_saved":
            continue
        given = {"images_per_second": RATE, "path": "", "run": "", "threads": 1}
        given["seconds"] = event.get("step", 0) * NETWORK.training.batch_size / RATE
        event |= {name: value for name, value in given.items() if name in event}
        yield json.dumps(_rounded(event), separators=(",", ":"))


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.{DIGITS}g}")
        case list():
            return [_rounded(item) for item in value]
        case dict():
            return {name: _rounded(item) for name, item in value.items()}
    return value


def _weights(folder: RunFolder) -> Iterator[bytes]:
    """The best state without what only a resume needs."""
    file = TensorFile(folder.best_file)
    tensors = file.read()
    weights = {name: array for name, array in tensors.items() if not name.startswith("optimizer/")}
    yield from map(bytes, encode(weights, file.meta))


if __name__ == "__main__":
    main()
