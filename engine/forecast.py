"""What training will need, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.build import lay_out
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.network import Network


@dataclass(frozen=True)
class MemoryForecast:
    """Bytes that a training run will hold, data and interpreter left out."""

    parameters: int
    gradients: int
    optimizer: int
    activations: int
    """Activations, their gradients and workspaces of one batch."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.parameters + self.gradients + self.optimizer + self.activations


def forecast_memory(network: Network, batch_size: int) -> MemoryForecast:
    """Lay out a training step of ``network`` as the engine would, without touching the memory.

    Raises:
        ShapeError: the network does not fit together.
        MemoryError: the system refuses even to promise that much.
    """
    model = lay_out(network, seed=0, dtype=np.float32, threads=1)
    try:
        optimizer = build_optimizer(network.training, model)
        return MemoryForecast(
            parameters=model.store.data.nbytes,
            gradients=model.store.grad.nbytes,
            optimizer=sum(state.nbytes for state in optimizer.state),
            activations=model.plan_training(batch_size).bytes,
        )
    finally:
        model.close()
