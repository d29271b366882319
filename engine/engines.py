"""The one place that chooses who computes."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing

import numpy as np
from numpy.typing import DTypeLike

from cnn_tui.engine.build import build, build_uninitialized
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.parameters import initial_weight
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.network import Network


def make_engine(
    network: Network, *, seed: int = 0, dtype: DTypeLike = np.float32, threads: int = 1
) -> Engine:
    """A network with initial weights, drawn from ``seed``, on the engine of its recipe.

    Raises:
        ShapeError: if the layers do not fit together; the message is the first issue.
    """
    return build(network, seed=seed, dtype=dtype, threads=threads)


def initial_weights(network: Network, seed: int, names: Collection[str]) -> dict[str, Array]:
    """The weights of these names as both engines draw them from ``seed``, without the others."""
    initializer = network.training.initializer
    with closing(build_uninitialized(network, seed=0, dtype=np.float32, threads=1)) as model:
        return {
            parameter.name: initial_weight(parameter, number, initializer, seed)
            for number, parameter in enumerate(model.store.parameters)
            if parameter.name in names
        }
