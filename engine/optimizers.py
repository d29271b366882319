"""From gradients to new weights, in blocks that stay in cache."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np

from cnn_tui.engine.ops.memory import Array, aligned_empty, aligned_zeros
from cnn_tui.engine.parameters import ParameterStore
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.threads import Task

BLOCK = 1 << 15
"""Weights updated at a time: with gradient and state they fit a core's cache."""


class UpdateRule(Protocol):
    """How one block of weights moves. State arrays begin at zero."""

    states: int

    def update(self, w: Array, g: Array, state: list[Array], spare: Array, lr: float) -> None:
        """Move ``w`` against its gradient ``g``, which stays as it is; ``spare`` is scratch."""

    def begin(self, step: int) -> None:
        """Called before the blocks of step number ``step``, counted from 1."""


class SGD:
    """``w -= lr * g``."""

    states = 0

    def begin(self, step: int) -> None:
        """Nothing depends on the step."""

    def update(self, w: Array, g: Array, state: list[Array], spare: Array, lr: float) -> None:
        """One block."""
        np.multiply(g, lr, out=spare)
        np.subtract(w, spare, out=w)


class Momentum(SGD):
    """``v = momentum * v + g; w -= lr * v``; Sutskever et al. 2013, in PyTorch's form."""

    states = 1

    def __init__(self, momentum: float, nesterov: bool = False) -> None:
        self.momentum, self.nesterov = momentum, nesterov

    def update(self, w: Array, g: Array, state: list[Array], spare: Array, lr: float) -> None:
        """One block; Nesterov's looks ahead by ``g + momentum * v``."""
        (velocity,) = state
        np.multiply(velocity, self.momentum, out=velocity)
        np.add(velocity, g, out=velocity)
        if self.nesterov:
            np.multiply(velocity, self.momentum, out=spare)
            np.add(spare, g, out=spare)
            np.multiply(spare, lr, out=spare)
        else:
            np.multiply(velocity, lr, out=spare)
        np.subtract(w, spare, out=w)


class RMSprop(SGD):
    """``s = rho * s + (1 - rho) * g**2; w -= lr * g / (sqrt(s) + eps)``; Hinton 2012, lecture 6e.

    Adagrad (Duchi et al. 2011) sums instead: ``s += g**2``.
    """

    states = 1

    def __init__(self, keep: float, add: float, eps: float) -> None:
        self.keep, self.add, self.eps = keep, add, eps

    def update(self, w: Array, g: Array, state: list[Array], spare: Array, lr: float) -> None:
        """One block."""
        (squares,) = state
        np.multiply(g, g, out=spare)
        np.multiply(spare, self.add, out=spare)
        np.multiply(squares, self.keep, out=squares)
        np.add(squares, spare, out=squares)
        np.sqrt(squares, out=spare)
        np.add(spare, self.eps, out=spare)
        np.divide(g, spare, out=spare)
        np.multiply(spare, lr, out=spare)
        np.subtract(w, spare, out=w)


class Adam:
    """Means of ``g`` and ``g**2`` with their bias corrected (Kingma & Ba 2015, algorithm 1)."""

    states = 2

    def __init__(self, betas: tuple[float, float], eps: float) -> None:
        self.betas, self.eps = betas, eps

    def begin(self, step: int) -> None:
        """The corrections of this step."""
        self.correction = 1 - self.betas[0] ** step
        self.root_correction = math.sqrt(1 - self.betas[1] ** step)

    def update(self, w: Array, g: Array, state: list[Array], spare: Array, lr: float) -> None:
        """One block."""
        mean, squares = state
        np.multiply(g, 1 - self.betas[0], out=spare)
        np.multiply(mean, self.betas[0], out=mean)
        np.add(mean, spare, out=mean)
        np.multiply(g, g, out=spare)
        np.multiply(spare, 1 - self.betas[1], out=spare)
        np.multiply(squares, self.betas[1], out=squares)
        np.add(squares, spare, out=squares)
        np.sqrt(squares, out=spare)
        np.multiply(spare, 1 / self.root_correction, out=spare)
        np.add(spare, self.eps, out=spare)
        np.divide(mean, spare, out=spare)
        np.multiply(spare, lr / self.correction, out=spare)
        np.subtract(w, spare, out=w)


class Runs(Protocol):
    """What an optimizer needs of a model."""

    store: ParameterStore

    def run_tasks(self, tasks: list[Task]) -> None:
        """Run independent tasks on the model's threads."""


class Optimizer:
    """Steps a model's weights by a rule, with L2, clipping and decoupled weight decay.

    L2 adds ``l2 * w`` to the gradients of weights, after clipping, as PyTorch's ``weight_decay``
    does; AdamW's decay shrinks weights by ``1 - lr * weight_decay`` (Loshchilov & Hutter 2019).
    """

    def __init__(self, rule: UpdateRule, model: Runs, training: Recipe) -> None:
        self.rule, self.model = rule, model
        self.l2, self.clip_norm = training.l2, training.clip_norm
        self.weight_decay = training.weight_decay if training.optimizer == "adamw" else 0.0
        store = model.store
        self.state = [aligned_zeros(store.data.shape, store.data.dtype) for _ in range(rule.states)]
        self.steps = 0
        self.lr, self.scale = 0.0, 1.0
        self._scratch = threading.local()
        self._spans = _spans(store)
        self._squares = [0.0] * len(self._spans)
        self._tasks = [self._task(number) for number in range(len(self._spans))]

    def step(self, lr: float, gradient_norm: float = 0.0) -> float:
        """One update from the gradients in the model; returns the L2 loss before it.

        ``gradient_norm`` is that of the batch, for clipping.
        """
        self.steps += 1
        self.lr = lr
        clipped = self.clip_norm is not None and gradient_norm > self.clip_norm
        self.scale = (self.clip_norm or 1.0) / gradient_norm if clipped else 1.0
        self.rule.begin(self.steps)
        self.model.run_tasks(self._tasks)
        return 0.5 * self.l2 * sum(self._squares)

    def _task(self, number: int) -> Task:
        span, decay = self._spans[number]
        store = self.model.store
        weights, gradient = store.data[span], store.grad[span]
        state = [array[span] for array in self.state]
        update = self._decayed_update if decay else self._plain_update

        def run() -> None:
            self._squares[number] = update(weights, gradient, state)

        return run

    def _plain_update(self, w: Array, g: Array, state: list[Array]) -> float:
        spare, total = self._spares(w)
        if self.scale != 1:
            np.multiply(g, self.scale, out=total)
            g = total
        self.rule.update(w, g, state, spare, self.lr)
        return 0.0

    def _decayed_update(self, w: Array, g: Array, state: list[Array]) -> float:
        spare, total = self._spares(w)
        squares = 0.0
        if self.scale != 1 or self.l2:
            np.multiply(g, self.scale, out=total)
            g = total
        if self.l2:
            squares = float(np.dot(w, w))
            np.multiply(w, self.l2, out=spare)
            np.add(g, spare, out=g)
        if self.weight_decay:
            np.multiply(w, 1 - self.lr * self.weight_decay, out=w)
        self.rule.update(w, g, state, spare, self.lr)
        return squares

    def _spares(self, like: Array) -> list[Array]:
        """Two blocks of scratch of the calling thread."""
        if not hasattr(self._scratch, "blocks"):
            self._scratch.blocks = [aligned_empty((BLOCK,), like.dtype) for _ in range(2)]
        return [block[: len(like)] for block in self._scratch.blocks]


def _spans(store: ParameterStore) -> list[tuple[slice, bool]]:
    """The store cut into blocks, each with whether it decays."""
    edges = sorted({0, store.size, *(e for span in store.decayed for e in (span.start, span.stop))})
    spans = []
    for low, high in itertools.pairwise(edges):
        decay = any(span.start <= low < span.stop for span in store.decayed)
        spans += [(slice(i, min(i + BLOCK, high)), decay) for i in range(low, high, BLOCK)]
    return spans


def build_optimizer(training: Recipe, model: Runs) -> Optimizer:
    """The optimizer that a recipe names."""
    rules: dict[str, Callable[[], UpdateRule]] = {
        "sgd": SGD,
        "momentum": lambda: Momentum(training.momentum),
        "nesterov": lambda: Momentum(training.momentum, nesterov=True),
        "adagrad": lambda: RMSprop(1, 1, training.eps),
        "rmsprop": lambda: RMSprop(training.rho, 1 - training.rho, training.eps),
        "adam": lambda: Adam(training.betas, training.eps),
        "adamw": lambda: Adam(training.betas, training.eps),
    }
    return Optimizer(rules[training.optimizer](), model, training)
