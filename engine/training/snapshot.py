"""The state of a run as arrays: taken between two batches, put back into a model just built."""

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
    """A copy of everything that training changes; a second thread may take its time with it."""

    progress: Progress
    weights: Array
    states: list[Array]
    buffers: dict[str, Array]
    parameters: list[Parameter]
    """Only their names and layout: their values go on changing."""

    def tensors(self) -> dict[str, Array]:
        """Every array by name, in PyTorch's shapes, contiguous."""
        named = _named(self.parameters, self.weights, self.states, self.buffers)
        return {name: np.ascontiguousarray(array) for name, array in named}


def take_snapshot(model: Model, optimizer: Optimizer, progress: Progress) -> Snapshot:
    """Copy the state; this is all that training waits for."""
    return Snapshot(
        progress,
        model.store.data.copy(),
        [state.copy() for state in optimizer.state],
        {name: buffer.copy() for name, buffer in model.buffers.items()},
        model.store.parameters,
    )


def live_tensors(model: Model, optimizer: Optimizer) -> dict[str, Array]:
    """The same arrays as :meth:`Snapshot.tensors`, as views into the running model."""
    store = model.store
    return dict(_named(store.parameters, store.data, optimizer.state, model.buffers))


def restore(
    model: Model, optimizer: Optimizer, tensors: Mapping[str, Array], progress: Progress
) -> None:
    """Put the arrays back; they must have the names and shapes of :func:`live_tensors`."""
    for name, target in live_tensors(model, optimizer).items():
        target[...] = tensors[name]
    model.mode.step = optimizer.steps = progress.step


def live_weights(model: Model) -> Weights:
    """Parameters and buffers as views into the running model."""
    return {name: parameter.data for name, parameter in model.parameters.items()} | model.buffers


def copy_weights(model: Model) -> Weights:
    """The same as they are now."""
    return {name: array.copy() for name, array in live_weights(model).items()}


def put_weights(model: Model, weights: Weights) -> None:
    """Give the model these weights; more than its own may be among them."""
    for name, target in live_weights(model).items():
        target[...] = weights[name]


def _named(
    parameters: list[Parameter], weights: Array, states: list[Array], buffers: dict[str, Array]
) -> Named:
    """Weights and buffers bear PyTorch's names; a slash occurs in none of those."""
    for parameter in parameters:
        yield parameter.name, parameter.part_of(weights).transpose(parameter.axes)
    yield from buffers.items()
    for number, state in enumerate(states):
        for parameter in parameters:
            array = parameter.part_of(state).transpose(parameter.axes)
            yield f"optimizer/{number}/{parameter.name}", array


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
