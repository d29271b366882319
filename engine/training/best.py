"""The epoch that did best in validation: its weights, and when to stop waiting for a better one."""

from __future__ import annotations

from cnn_tui.engine.model import Model
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.training.progress import Best
from cnn_tui.engine.training.snapshot import Weights, copy_weights, put_weights


class BestEpoch:
    """Of one run. Its weights are only kept here if the recipe asks for them at the end."""

    def __init__(self, recipe: Recipe) -> None:
        self._keeps, self._patience = recipe.keep_best, recipe.patience
        self.best: Best | None = None
        self._weights: Weights | None = None

    def offer(self, epoch: int, accuracy: float, model: Model) -> bool:
        """Take this epoch if it did better than any before; whether it did."""
        if self.best is not None and accuracy <= self.best.accuracy:
            return False
        self.best = Best(epoch, accuracy)
        if self._keeps:
            self._weights = copy_weights(model)
        return True

    def restore(self, best: Best | None, weights: Weights | None) -> None:
        """Go on with what was kept."""
        self.best, self._weights = best, weights

    def why_stop(self, epochs_done: int) -> str:
        """Why the run ends before its last epoch; empty where it goes on."""
        if self._patience is None or self.best is None:
            return ""
        if epochs_done - self.best.epoch < self._patience:
            return ""
        return (
            f"Ended after epoch {epochs_done}: validation has not been better than "
            f"{self.best.accuracy:.2%} for {self._patience} epochs."
        )

    def put(self, model: Model, epochs_done: int) -> bool:
        """Give the model the best weights if the recipe says so; False if they are lost."""
        if not self._keeps or self.best is None or self.best.epoch == epochs_done:
            return True
        if self._weights is None:
            return False
        put_weights(model, self._weights)
        return True
