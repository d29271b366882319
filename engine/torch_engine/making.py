"""Makes the PyTorch engine of a network; :mod:`cnn_tui.engine.engines` calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.torch_engine.described import Described
from cnn_tui.engine.torch_engine.engine import TorchEngine
from cnn_tui.engine.torch_engine.group import join_group
from cnn_tui.engine.torch_engine.shared import SharedEngine, follow


def make(network: Network, seed: int, dtype: np.dtype[Any], threads: int) -> Engine:
    """The engine with the initial weights that the NumPy engine would draw from ``seed``."""
    return TorchEngine(Described(network, seed, dtype), dtype, threads)


def make_shared(network: Network, seed: int, dtype: np.dtype[Any], threads: int) -> Engine:
    """Make an engine over all processes that torchrun started, if there are several."""
    group = join_group()
    if group is None:
        return make(network, seed, dtype, threads)
    described = Described(network, seed, dtype)
    group.send_network(network, seed, threads)
    return SharedEngine(described, dtype, threads, group)


def follow_leader(joined: Callable[[], None]) -> None:
    """Compute for the process that leads, in a process of torchrun that is not the first."""
    group = join_group()
    if group is not None:
        follow(group, joined)
