"""Trainings in separate processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from children import start

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.tensors import TensorFile

NETWORK = """
name = "digits"
input = [1, 8, 8]
layers = [
  { type = "conv", out_channels = 4, kernel_size = 3, padding = "same" },
  { type = "batchnorm" },
  { type = "relu" },
  { type = "dropout", p = 0.2 },
  { type = "fc", out_features = 10 },
]

[training]
epochs = 24
batch_size = 32
optimizer = "adam"
lr = 0.001
schedule = "cosine"
"""


class Training:
    """``cnn-tui`` with some arguments, its events read as they come."""

    def __init__(self, *args: object) -> None:
        self.events: list[dict[str, Any]] = []
        self.process = start(
            [sys.executable, "-m", "cnn_tui.tui", *map(str, args), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def read(self) -> dict[str, Any] | None:
        """The next event, None at the end."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith("\n"):
            return None
        self.events.append(json.loads(line))
        return self.events[-1]

    def wait_for(self, kind: str) -> dict[str, Any]:
        while event := self.read():
            if event["event"] == kind:
                return event
        raise AssertionError(f"no {kind}: {self.finish()}")

    def finish(self) -> tuple[int, str]:
        """Exit code and standard error, after all events were read."""
        while self.read():
            pass
        _, err = self.process.communicate()
        return self.process.returncode, err


def final_weights(folder: RunFolder) -> dict[str, np.ndarray]:
    """The weights of the furthest saved state."""
    files = [*sorted(folder.checkpoints.glob("*.safetensors")), folder.best_file]
    found = [(json.loads(TensorFile(path).meta)["progress"], path) for path in files]
    progress, path = max(found, key=lambda pair: (pair[0]["step"], pair[0]["epochs_done"]))
    return TensorFile(path).read() | {"step": np.array(progress["step"])}


def network_file(folder: Path) -> Path:
    path = folder / "digits.toml"
    path.write_text(NETWORK)
    return path
