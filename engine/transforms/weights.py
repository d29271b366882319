"""The learned arrays of a model by name, out of it and into it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.model import Model
from cnn_tui.engine.ops.memory import Array

Weights = Mapping[str, Array]
"""Parameters and buffers such as ``conv1.weight`` and ``bn2.running_mean``, in PyTorch's shapes."""


def weights_of(model: Model) -> dict[str, Array]:
    """Copies of everything that a model has learned."""
    return {name: np.ascontiguousarray(array).copy() for name, array in _live(model).items()}


def load_weights(model: Model, weights: Weights) -> None:
    """Put weights into a model.

    Raises:
        ShapeError: if one is missing or of another shape; the model is then left as it was.
    """
    live = _live(model)
    for name, array in live.items():
        if name not in weights:
            raise ShapeError(f"there are no weights for {name}.", "Were they another network's?")
        if weights[name].shape != array.shape:
            raise ShapeError(
                f"the weights for {name} are {weights[name].shape}, expected {array.shape}.",
                "Were they another network's?",
            )
    for name, array in live.items():
        array[...] = weights[name]


def _live(model: Model) -> dict[str, Array]:
    return {name: one.data for name, one in model.parameters.items()} | model.buffers
