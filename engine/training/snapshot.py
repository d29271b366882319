"""The state of a run as arrays, and the weights of its best epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.model import Model
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.optimizers import Optimizer
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.training.progress import Best, Progress

Named = Iterator[tuple[str, Array]]
Weights = Mapping[str, Array]
"""Parameters and buffers by name, in PyTorch's shapes."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A copy of everything that training changes, which another thread may write to disk."""

    progress: Progress
    weights: Array
    states: list[Array]
    buffers: dict[str, Array]
    parameters: list[Parameter]
    """The parameters, for names and layout only: their values keep changing."""

    def tensors(self) -> dict[str, Array]:
        """Contiguous arrays by name, in PyTorch's shapes."""
        named = _named(self.parameters, self.weights, self.states, self.buffers)
        return {name: np.ascontiguousarray(array) for name, array in named}


def take_snapshot(model: Model, optimizer: Optimizer, progress: Progress) -> Snapshot:
    """Copy the state; training waits only for this."""
    return Snapshot(
        progress,
        model.store.data.copy(),
        [state.copy() for state in optimizer.state],
        {name: buffer.copy() for name, buffer in model.buffers.items()},
        model.store.parameters,
    )


def live_tensors(model: Model, optimizer: Optimizer) -> dict[str, Array]:
    """The arrays of :meth:`Snapshot.tensors` as views into the running model."""
    store = model.store
    return dict(_named(store.parameters, store.data, optimizer.state, model.buffers))


def restore(
    model: Model, optimizer: Optimizer, tensors: Mapping[str, Array], progress: Progress
) -> None:
    """Load arrays with the names and shapes of :func:`live_tensors` into the model."""
    for name, target in live_tensors(model, optimizer).items():
        target[...] = tensors[name]
    model.mode.step = optimizer.steps = progress.step


def live_weights(model: Model) -> Weights:
    """Parameters and buffers as views into the running model."""
    return {name: parameter.data for name, parameter in model.parameters.items()} | model.buffers


def copy_weights(model: Model) -> Weights:
    """Copies of the parameters and buffers."""
    return {name: array.copy() for name, array in live_weights(model).items()}


def put_weights(model: Model, weights: Weights) -> None:
    """Load weights into the model, ignoring names that it does not have."""
    for name, target in live_weights(model).items():
        target[...] = weights[name]


def _named(
    parameters: list[Parameter], weights: Array, states: list[Array], buffers: dict[str, Array]
) -> Named:
    """Arrays by name: weights and buffers as in PyTorch, without slashes; optimizer state after."""
    for parameter in parameters:
        yield parameter.name, parameter.part_of(weights).transpose(parameter.axes)
    yield from buffers.items()
    for number, state in enumerate(states):
        for parameter in (one for one in parameters if not one.frozen):
            array = parameter.part_of(state).transpose(parameter.axes)
            yield f"optimizer/{number}/{parameter.name}", array


class BestEpoch:
    """The epoch of a run with the best validation accuracy, and when to stop waiting for a better.

    Its weights are held only if the recipe has ``keep_best``.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._keeps, self._patience = recipe.keep_best, recipe.patience
        self.best: Best | None = None
        self._weights: Weights | None = None

    def offer(self, epoch: int, accuracy: float, model: Model) -> bool:
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

    def put(self, model: Model, epochs_done: int) -> bool:
        """Load the best weights if the recipe has ``keep_best``; returns False if they are lost."""
        if not self._keeps or self.best is None or self.best.epoch == epochs_done:
            return True
        if self._weights is None:
            return False
        put_weights(model, self._weights)
        return True
