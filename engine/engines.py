"""The one place that chooses who computes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

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
    seed: int | None = None,
    dtype: DTypeLike = np.float32,
    threads: int = 1,
    drawn: bool = True,
    shared: bool = False,
) -> Engine:
    """A network with initial weights, drawn from ``seed``, on the engine of its recipe.

    ``seed`` None is that of the recipe.
    Without ``drawn`` the weights are whatever memory holds, to be loaded; drawing takes seconds.
    With ``shared`` the other processes of torchrun compute their share, if there are any.

    Raises:
        ShapeError: if the layers do not fit together; the message is the first issue.
        EngineError: if the engine, or its device or precision, is not there.
    """
    seed = network.training.seed if seed is None else seed
    if network.training.engine == "torch":
        make = _torch_part("making").make_shared if shared else _torch_part("making").make
        made: Engine = make(network, seed, np.dtype(dtype), threads)
        return made
    making = build if drawn else build_uninitialized
    return making(network, seed=seed, dtype=np.dtype(dtype), threads=threads)


def engine_to_look(
    network: Network, *, seed: int | None = None, threads: int = 1, drawn: bool = True
) -> Engine:
    """The engine of the recipe, or NumPy where that one is not at hand, with the same weights.

    ``seed`` None is that of the recipe.

    Raises:
        ShapeError: if the layers do not fit together; the message is the first issue.
    """
    try:
        return make_engine(network, seed=seed, threads=threads, drawn=drawn)
    except EngineError:
        seed = network.training.seed if seed is None else seed
        making = build if drawn else build_uninitialized
        return making(network, seed=seed, dtype=np.float32, threads=threads)


def require_engine(network: Network) -> bool:
    """Whether the engine of the recipe computes in the memory of the machine, not of a GPU.

    Raises:
        EngineError: if the engine, or its device or precision, is not there.
    """
    if network.training.engine == "numpy":
        return True
    return bool(_torch_part("devices").find_device(network.training).type == "cpu")


def follow(joined: Callable[[], None]) -> None:
    """Compute for the process of torchrun that leads, until it ends; for the other processes.

    ``joined`` is called once the training has begun.
    """
    _torch_part("making").follow_leader(joined)


def _torch_part(name: str) -> ModuleType:
    if find_spec("torch") is None:
        raise EngineError(
            "The engine torch needs PyTorch, which is not installed.",
            "Install it with pip install 'cnn-tui[torch]', or choose the engine numpy.",
        )
    # By its name: it stands above this module, as it is made of what exports write.
    return import_module(f"cnn_tui.engine.torch_engine.{name}")


def initial_weights(network: Network, seed: int, names: Collection[str]) -> dict[str, Array]:
    """The weights of these names as both engines draw them from ``seed``, without the others."""
    initializer = network.training.initializer
    with closing(build_uninitialized(network, seed=0, dtype=np.float32, threads=1)) as model:
        return {
            parameter.name: initial_weight(parameter, number, initializer, seed)
            for number, parameter in enumerate(model.store.parameters)
            if parameter.name in names
        }
