"""Makes the PyTorch engine of a network; :mod:`cnn_tui.engine.engines` calls it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.torch_engine.described import Described
from cnn_tui.engine.torch_engine.engine import TorchEngine


def make(network: Network, seed: int, dtype: np.dtype[Any], threads: int) -> Engine:
    """The engine with the initial weights that the NumPy engine would draw from ``seed``."""
    return TorchEngine(Described(network, seed, dtype), dtype, threads)
