"""Runs to look into, the same on every machine: their weights are drawn, not trained."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.keep_weights import keep_weights
from cnn_tui.engine.transforms.carry import weights_of

NETWORK = """
name = "small"
input = [1, 8, 8]
layers = [
    { type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
    { type = "relu" },
    { type = "avgpool", kernel_size = 2 },
    { type = "conv", out_channels = 12, kernel_size = 3, padding = 1 },
    { type = "relu" },
    { type = "fc", out_features = 10 },
]

[training]
epochs = 1
"""
DEAD, TWINS = 3, (1, 6)
"""Filters of the first layer of the run ``small-2``."""


def make_runs_to_inspect(root: Path) -> Path:
    """A folder with ``small-1``, trained for an epoch, and ``small-2``, with planted filters."""
    from cnn_tui.tui.cli.main import main

    file, runs = root / "small.toml", root / "runs"
    file.write_text(NETWORK)
    assert main(["train", str(file), "--runs-dir", str(runs), "--threads", "1"]) == 0
    origin = RunFolder(runs / "small-1")
    with closing(build(origin.network(), seed=5)) as model:
        weights = weights_of(model)
    planted(weights["conv1.weight"], weights["conv1.bias"])
    keep_weights(origin.network(), weights, origin)
    return runs


def planted(weight: np.ndarray, bias: np.ndarray) -> None:
    """Bars of all directions, one of them twice, and a filter that never answers."""
    y, x = np.mgrid[-1:2, -1:2]
    for at in range(len(weight)):
        angle = at * np.pi / len(weight)
        weight[at, 0] = np.sin(angle) * x + np.cos(angle) * y
    # Flat parts of an image must not end at the kink of a ReLU, where rounding decides.
    bias[:] = 0.05 * np.arange(1, len(bias) + 1)
    weight[TWINS[1]] = 0.8 * weight[TWINS[0]]
    bias[TWINS[1]] = 0.8 * bias[TWINS[0]]
    bias[DEAD] = -9.0
