"""The one place that chooses who computes."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from cnn_tui.engine.build import build, build_uninitialized
from cnn_tui.engine.errors import EngineError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.parameters import initial_weight
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.network import Network


def make_engine(
    network: Network,
    *,
    seed: int = 0,
    dtype: DTypeLike = np.float32,
    threads: int = 1,
    drawn: bool = True,
) -> Engine:
    """A network with initial weights, drawn from ``seed``, on the engine of its recipe.

    Without ``drawn`` the weights are whatever memory holds, to be loaded; drawing takes seconds.

    Raises:
        ShapeError: if the layers do not fit together; the message is the first issue.
        EngineError: if the engine, or its device or precision, is not there.
    """
    if network.training.engine == "torch":
        return _torch_engine(network, seed, np.dtype(dtype), threads)
    make = build if drawn else build_uninitialized
    return make(network, seed=seed, dtype=np.dtype(dtype), threads=threads)


def has_torch() -> bool:
    """Whether PyTorch is installed; it is not loaded."""
    return find_spec("torch") is not None


def _torch_engine(network: Network, seed: int, dtype: np.dtype[Any], threads: int) -> Engine:
    if not has_torch():
        raise EngineError(
            "The engine torch needs PyTorch, which is not installed.",
            "Install it with pip install 'cnn-tui[torch]', or choose the engine numpy.",
        )
    # By its name: it stands above this module, as it is made of what exports write.
    made: Engine = import_module("cnn_tui.engine.torch_engine.making").make(
        network, seed, dtype, threads
    )
    return made


def initial_weights(network: Network, seed: int, names: Collection[str]) -> dict[str, Array]:
    """The weights of these names as both engines draw them from ``seed``, without the others."""
    initializer = network.training.initializer
    with closing(build_uninitialized(network, seed=0, dtype=np.float32, threads=1)) as model:
        return {
            parameter.name: initial_weight(parameter, number, initializer, seed)
            for number, parameter in enumerate(model.store.parameters)
            if parameter.name in names
        }
