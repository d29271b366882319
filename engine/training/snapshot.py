"""The state of a run as arrays, and the weights of its best epoch."""

from __future__ import annotations

from dataclasses import dataclass

from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Engine, EngineOptimizer, StateCopy
from cnn_tui.engine.protocol import Weights as Weights
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.training.progress import Best, Progress


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A copy of everything that training changes, which another thread may write to disk."""

    progress: Progress
    state: StateCopy

    def tensors(self) -> dict[str, Array]:
        """Contiguous arrays by name, in PyTorch's shapes."""
        return self.state.tensors()


def take_snapshot(optimizer: EngineOptimizer, progress: Progress) -> Snapshot:
    """Copy the state; training waits only for this."""
    return Snapshot(progress, optimizer.take())


def copy_weights(model: Engine) -> Weights:
    """Copies of the parameters and buffers."""
    return {name: array.copy() for name, array in model.arrays().items()}


class BestEpoch:
    """The epoch of a run with the best validation accuracy, and when to stop waiting for a better.

    Its weights are held only if the recipe has ``keep_best``.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._keeps, self._patience = recipe.keep_best, recipe.patience
        self.best: Best | None = None
        self._weights: Weights | None = None

    def offer(self, epoch: int, accuracy: float, model: Engine) -> bool:
        """Record this epoch if it is better than all before; returns whether it is."""
        if self.best is not None and accuracy <= self.best.accuracy:
            return False
        self.best = Best(epoch, accuracy)
        if self._keeps:
            self._weights = copy_weights(model)
        return True

    def restore(self, best: Best | None, weights: Weights | None) -> None:
        """Continue from a saved state."""
        self.best, self._weights = best, weights

    def why_stop(self, epochs_done: int) -> str:
        """The reason to end the run before its last epoch; empty if it continues."""
        if self._patience is None or self.best is None:
            return ""
        if epochs_done - self.best.epoch < self._patience:
            return ""
        return (
            f"Stopped after epoch {epochs_done}: validation accuracy has not exceeded "
            f"{self.best.accuracy:.2%} for {self._patience} epoch{'s' * (self._patience > 1)}."
        )

    def put(self, model: Engine, epochs_done: int) -> bool:
        """Load the best weights if the recipe has ``keep_best``; returns False if they are lost."""
        if not self._keeps or self.best is None or self.best.epoch == epochs_done:
            return True
        if self._weights is None:
            return False
        model.put(self._weights)
        return True
