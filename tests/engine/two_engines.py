"""A network in both engines, where PyTorch is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np
import pytest

from cnn_tui.engine import engines
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.network import Network

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed; pip install -e ".[test,peer]" brings it'
)


@contextmanager
def both(described: Network, dtype: Any = np.float64) -> Iterator[list[Engine]]:
    """The engines of both kinds with the same weights, as a recipe chooses them."""
    made = [
        engines.make_engine(on(described, name), seed=1, dtype=dtype) for name in ("numpy", "torch")
    ]
    yield made
    for engine in made:
        engine.close()


def on(described: Network, engine: str, **recipe: Any) -> Network:
    training = msgspec.structs.replace(described.training, engine=engine, device="cpu", **recipe)
    return msgspec.structs.replace(described, training=training)
