"""Optimizers: updates of the weights from gradients, in blocks that stay in cache."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cnn_tui.engine.layers.base import chained
from cnn_tui.engine.model import Model
from cnn_tui.engine.ops.memory import Array, aligned_empty, aligned_zeros
from cnn_tui.engine.parameters import Parameter, ParameterStore
from cnn_tui.engine.plan import TASK_SIZE, blocks
from cnn_tui.engine.protocol import Weights
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.threads import Task

BLOCK = 1 << 17
"""Weights that are updated at a time: with fewer, threads wait for the interpreter's lock
(measured)."""


class UpdateRule(Protocol):
    """The update of one block of weights. State arrays begin at zero."""

    states: int

    def start_step(self, step: int) -> None:
        """Prepare for step number ``step``, counted from 1, before its blocks."""

    def update(self, w: Array, g: Array, state: list[Array], scratch: Array, lr: float) -> None:
        """Update ``w`` by its gradient ``g``, which stays unchanged."""


class SGD:
    """``w -= lr * g``."""

    states = 0

    def start_step(self, step: int) -> None:
        """Do nothing: the rule does not depend on the step."""

    def update(self, w: Array, g: Array, state: list[Array], scratch: Array, lr: float) -> None:
        """Update one block."""
        np.multiply(g, lr, out=scratch)  # lr * g
        np.subtract(w, scratch, out=w)


class Momentum(SGD):
    """``v = momentum * v + g; w -= lr * v``; Sutskever et al. 2013, in PyTorch's form.

    Nesterov's form steps by ``lr * (g + momentum * v)``.
    """

    states = 1

    def __init__(self, momentum: float, nesterov: bool = False) -> None:
        self.momentum, self.nesterov = momentum, nesterov

    def update(self, w: Array, g: Array, state: list[Array], scratch: Array, lr: float) -> None:
        """Update one block."""
        (v,) = state
        np.multiply(v, self.momentum, out=v)
        np.add(v, g, out=v)  # v = momentum * v + g
        if self.nesterov:
            np.multiply(v, self.momentum, out=scratch)
            np.add(scratch, g, out=scratch)  # momentum * v + g
            np.multiply(scratch, lr, out=scratch)
        else:
            np.multiply(v, lr, out=scratch)  # lr * v
        np.subtract(w, scratch, out=w)


class Adagrad(SGD):
    """``v += g**2; w -= lr * g / (sqrt(v) + eps)``; Duchi et al. 2011."""

    states = 1

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def update(self, w: Array, g: Array, state: list[Array], scratch: Array, lr: float) -> None:
        """Update one block."""
        (v,) = state
        self._accumulate(v, g, scratch)
        np.sqrt(v, out=scratch)
        np.add(scratch, self.eps, out=scratch)  # sqrt(v) + eps
        np.divide(g, scratch, out=scratch)  # g / (sqrt(v) + eps)
        np.multiply(scratch, lr, out=scratch)
        np.subtract(w, scratch, out=w)

    def _accumulate(self, v: Array, g: Array, scratch: Array) -> None:
        np.multiply(g, g, out=scratch)
        np.add(v, scratch, out=v)  # v = v + g**2


class RMSprop(Adagrad):
    """``v = rho * v + (1 - rho) * g**2``, the step as in Adagrad; Hinton 2012, lecture 6e."""

    def __init__(self, rho: float, eps: float) -> None:
        super().__init__(eps)
        self.rho = rho

    def _accumulate(self, v: Array, g: Array, scratch: Array) -> None:
        np.multiply(g, g, out=scratch)
        np.multiply(scratch, 1 - self.rho, out=scratch)  # (1 - rho) * g**2
        np.multiply(v, self.rho, out=v)
        np.add(v, scratch, out=v)


class Adam:
    """Bias-corrected running means of ``g`` and ``g**2`` (Kingma & Ba 2015, algorithm 1)."""

    states = 2

    def __init__(self, betas: tuple[float, float], eps: float) -> None:
        self.betas, self.eps = betas, eps

    def start_step(self, step: int) -> None:
        """Compute the bias corrections of step number ``step``."""
        self.bias_correction1 = 1 - self.betas[0] ** step
        self.bias_correction2_sqrt = math.sqrt(1 - self.betas[1] ** step)

    def update(self, w: Array, g: Array, state: list[Array], scratch: Array, lr: float) -> None:
        """Update one block."""
        m, v = state
        np.multiply(g, 1 - self.betas[0], out=scratch)
        np.multiply(m, self.betas[0], out=m)
        np.add(m, scratch, out=m)  # m = beta1 * m + (1 - beta1) * g
        np.multiply(g, g, out=scratch)
        np.multiply(scratch, 1 - self.betas[1], out=scratch)
        np.multiply(v, self.betas[1], out=v)
        np.add(v, scratch, out=v)  # v = beta2 * v + (1 - beta2) * g**2
        np.sqrt(v, out=scratch)
        np.multiply(scratch, 1 / self.bias_correction2_sqrt, out=scratch)  # sqrt(v_hat)
        np.add(scratch, self.eps, out=scratch)
        np.divide(m, scratch, out=scratch)  # m / (sqrt(v_hat) + eps)
        np.multiply(scratch, lr / self.bias_correction1, out=scratch)  # lr * m_hat / (...)
        np.subtract(w, scratch, out=w)


class _Blocks:
    """The updates of the blocks of weights in one step."""

    def __init__(self, rule: UpdateRule, training: Recipe, count: int) -> None:
        self.rule = rule
        self.weight_decay = training.weight_decay if training.optimizer == "adamw" else 0.0
        self.lr, self.l2, self.scale = 0.0, 0.0, 1.0
        """The values of the present step; gradients are multiplied by ``scale``."""
        self.squares = [0.0] * count
        self._scratch = threading.local()

    def start_step(self, step: int, lr: float, l2: float, scale: float) -> None:
        self.lr, self.l2, self.scale = lr, l2, scale
        self.rule.start_step(step)

    def plain_update(self, w: Array, g: Array, state: list[Array]) -> float:
        scratch, total = self._scratch_blocks(w)
        if self.scale != 1:
            np.multiply(g, self.scale, out=total)
            g = total
        self.rule.update(w, g, state, scratch, self.lr)
        return 0.0

    def decayed_update(self, w: Array, g: Array, state: list[Array]) -> float:
        scratch, total = self._scratch_blocks(w)
        squares = 0.0
        if self.scale != 1 or self.l2:
            np.multiply(g, self.scale, out=total)
            g = total
        if self.l2:
            squares = float(np.dot(w, w))
            np.multiply(w, self.l2, out=scratch)
            np.add(g, scratch, out=g)  # g = scale * g + l2 * w
        if self.weight_decay:
            np.multiply(w, 1 - self.lr * self.weight_decay, out=w)
        self.rule.update(w, g, state, scratch, self.lr)
        return squares

    def _scratch_blocks(self, like: Array) -> list[Array]:
        """Two scratch blocks of the calling thread."""
        if not hasattr(self._scratch, "blocks"):
            self._scratch.blocks = [aligned_empty((BLOCK,), like.dtype) for _ in range(2)]
        return [block[: len(like)] for block in self._scratch.blocks]


class Optimizer:
    """An update rule applied to a model, with L2, clipping and decoupled weight decay.

    L2 adds ``l2 * w`` to the gradients of weights, after clipping, as PyTorch's ``weight_decay``
    does; AdamW's decay shrinks weights by ``1 - lr * weight_decay`` (Loshchilov & Hutter 2019).
    """

    def __init__(self, rule: UpdateRule, model: Model, training: Recipe) -> None:
        self.model = model
        self.l2, self.clip_norm = training.l2, training.clip_norm
        store = model.store
        self.state = [aligned_zeros(store.grad.shape, store.data.dtype) for _ in range(rule.states)]
        self.steps = 0
        spans = _spans(store)
        self._blocks = _Blocks(rule, training, len(spans))
        numbers = range(len(spans))
        tasks = itertools.groupby(numbers, lambda number: spans[number][0].start // TASK_SIZE)
        self._tasks = [
            chained([self._task(number, *spans[number]) for number in group]) for _, group in tasks
        ]

    def step(self, lr: float, gradient_norm: float = 0.0) -> float:
        """Update the weights from the model's gradients; returns the L2 loss before the update.

        ``gradient_norm`` is that of the batch, for clipping.
        """
        self.steps += 1
        clipped = self.clip_norm is not None and gradient_norm > self.clip_norm
        scale = (self.clip_norm or 1.0) / gradient_norm if clipped else 1.0
        self._blocks.start_step(self.steps, lr, self.l2, scale)
        self.model.run_tasks(self._tasks)
        return 0.5 * self.l2 * sum(self._blocks.squares)

    def arrays(self) -> dict[str, Array]:
        """Weights, buffers and state by name, as views into the running model."""
        store = self.model.store
        return dict(_named(store.parameters, store.data, self.state, self.model.buffers))

    def take(self) -> NumpyState:
        """Copy the state of model and optimizer."""
        store = self.model.store
        return NumpyState(
            store.data.copy(),
            [state.copy() for state in self.state],
            {name: buffer.copy() for name, buffer in self.model.buffers.items()},
            store.parameters,
        )

    def restore(self, tensors: Weights, step: int) -> None:
        """Load arrays with the names and shapes of :meth:`arrays`, taken after step ``step``."""
        for name, target in self.arrays().items():
            target[...] = tensors[name]
        self.model.mode.step = self.steps = step

    def _task(self, number: int, span: slice, decay: bool) -> Task:
        store = self.model.store
        weights, gradient = store.data[span], store.grad[span]
        state = [array[span] for array in self.state]
        # A task that referred to the optimizer would keep its model; see plan.py.
        squares = self._blocks.squares
        update = self._blocks.decayed_update if decay else self._blocks.plain_update

        def run() -> None:
            squares[number] = update(weights, gradient, state)

        return run


@dataclass(frozen=True, eq=False)
class NumpyState:
    """A copy of everything that a step changes; to copy flat arrays takes the least time."""

    weights: Array
    states: list[Array]
    buffers: dict[str, Array]
    parameters: list[Parameter]
    """The parameters, for names and layout only: their values keep changing."""

    def tensors(self) -> dict[str, Array]:
        """Contiguous arrays by name, in PyTorch's shapes."""
        named = _named(self.parameters, self.weights, self.states, self.buffers)
        return {name: np.ascontiguousarray(array) for name, array in named}


def _named(
    parameters: list[Parameter], weights: Array, states: list[Array], buffers: dict[str, Array]
) -> Iterator[tuple[str, Array]]:
    """Arrays by name: weights and buffers as in PyTorch, without slashes; optimizer state after."""
    for parameter in parameters:
        yield parameter.name, parameter.part_of(weights).transpose(parameter.axes)
    yield from buffers.items()
    for number, state in enumerate(states):
        for parameter in (one for one in parameters if not one.frozen):
            array = parameter.part_of(state).transpose(parameter.axes)
            yield f"optimizer/{number}/{parameter.name}", array


def _spans(store: ParameterStore) -> list[tuple[slice, bool]]:
    """Slices of blocks of the store, each with whether L2 and weight decay apply."""
    edges = sorted(
        {0, store.trained, *(e for span in store.decayed for e in (span.start, span.stop))}
    )
    spans = []
    for low, high in itertools.pairwise(edges):
        decay = any(span.start <= low < span.stop for span in store.decayed)
        spans += [(block, decay) for block in blocks(low, high, BLOCK)]
    return spans


def build_optimizer(training: Recipe, model: Model) -> Optimizer:
    """The optimizer of a recipe."""
    rules: dict[str, Callable[[], UpdateRule]] = {
        "sgd": SGD,
        "momentum": lambda: Momentum(training.momentum),
        "nesterov": lambda: Momentum(training.momentum, nesterov=True),
        "adagrad": lambda: Adagrad(training.eps),
        "rmsprop": lambda: RMSprop(training.rho, training.eps),
        "adam": lambda: Adam(training.betas, training.eps),
        "adamw": lambda: Adam(training.betas, training.eps),
    }
    return Optimizer(rules[training.optimizer](), model, training)
