"""Weights as a safetensors file with PyTorch's names and shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.export.modules import modules, renamed
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.runs.tensors import plain_encode
from cnn_tui.engine.storage import Storage, replace_file


def state_dict(state: TrainedState) -> dict[str, np.ndarray]:
    """What ``load_state_dict`` of the exported module takes, nothing missing or too much."""
    arrays = renamed(modules(state.network), state.weights)
    counts = {
        name.replace(".running_mean", ".num_batches_tracked"): np.zeros((), np.int64)
        for name in arrays
        if name.endswith(".running_mean")
    }
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()} | counts


def write_weights(state: TrainedState, path: Path) -> None:
    """Write them.

    Raises:
        RunError: if they cannot be written.
    """
    try:
        replace_file(Storage(), path, plain_encode(state_dict(state)))
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason_of(error)}.") from None
