"""A step or two on random data: how long training will take, and where the time goes."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.memory_estimate import MemoryEstimate, check_memory
from cnn_tui.engine.model import Model
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.threads import default_threads

_BRIEF = 2.0
"""Seconds: a shorter first pass is repeated, since memory touched for the first time is slow."""
_LONG = 5.0
"""Seconds: after a longer pass nobody wants to wait for another step."""
_MOST_STEPS, _ENOUGH = 5, 0.5
"""Steps are timed until there are so many, or for so many seconds."""
_LR = 1e-9
"""Tiny: random labels must not let the weights run away."""


@dataclass(frozen=True)
class LayerTime:
    """Seconds that a layer takes of a training step."""

    name: str
    """As in the report of :func:`check`; empty for all that is no layer's work."""
    forward: float
    backward: float

    @property
    def total(self) -> float:
        """Both passes."""
        return self.forward + self.backward


@dataclass(frozen=True)
class Profile:
    """What training will take, as far as a few steps tell."""

    batch_size: int
    threads: int
    step_seconds: float
    """Of one step: forward, loss, backward, optimizer."""
    layers: tuple[LayerTime, ...]
    """In the order in which they are computed; together they take ``step_seconds``."""
    memory: MemoryEstimate

    @property
    def forward_seconds(self) -> float:
        """The part of a step that a batch of validation takes, too."""
        return sum(layer.forward for layer in self.layers)

    def epoch_seconds(self, train_images: int, val_images: int = 0) -> float:
        """An epoch of training steps and the validation behind it."""
        steps = math.ceil(train_images / self.batch_size)
        validations = val_images / self.batch_size
        return steps * self.step_seconds + validations * self.forward_seconds


def probe(
    network: Network,
    *,
    batch_size: int | None = None,
    threads: int | None = None,
    available: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Profile | None:
    """Train a few steps on random images, in a model of its own.

    Args:
        network: to be trained by its recipe.
        batch_size: images of a step; None for the recipe's.
        threads: None for as many as there are cores.
        available: bytes of memory that it may take; None asks the system.
        cancelled: asked between any two layers; once it answers True, the result is None.

    Raises:
        ShapeError: the network does not fit together.
        MemoryLimitError: it would not fit in memory.
    """
    batch_size = batch_size or network.training.batch_size
    memory = check_memory(network, batch_size, available)
    with closing(build(network, threads=threads or default_threads())) as model:
        return _Probe(network, model, batch_size, cancelled).forecast(memory)


class _Probe:
    """A model with random data to train on."""

    def __init__(
        self, network: Network, model: Model, batch_size: int, cancelled: Callable[[], bool]
    ) -> None:
        self._model, self._batch_size, self._cancelled = model, batch_size, cancelled
        self._optimizer = build_optimizer(network.training, model)
        rng = np.random.default_rng(0)
        shape = (batch_size, *network.input)
        self._images = rng.standard_normal(shape, dtype=np.float32)
        self._targets = np.zeros(batch_size, np.int64)

    def forecast(self, memory: MemoryEstimate) -> Profile | None:
        times = self._by_layer()
        if sum(times.values()) < _BRIEF and not self._cancelled():
            times = self._by_layer()
        step_seconds = self._step_seconds(sum(times.values()))
        if self._cancelled():
            return None
        return Profile(
            self._batch_size,
            self._model.threads,
            step_seconds,
            tuple(_layer_times(times, step_seconds)),
            memory,
        )

    def _by_layer(self) -> dict[tuple[str, bool], float]:
        """Seconds by layer and direction; cut short where it was cancelled."""
        times: dict[tuple[str, bool], float] = {}
        start = time.perf_counter()
        for owner in self._model.train_stages(self._images, self._targets):
            now = time.perf_counter()
            times[owner] = times.get(owner, 0.0) + now - start
            start = now
            if self._cancelled():
                return times
        self._optimizer.step(_LR)
        times["", True] += time.perf_counter() - start
        return times

    def _step_seconds(self, pass_seconds: float) -> float:
        """Of steps as they really are, where the work of several layers is merged."""
        steps: list[float] = []
        most = 0 if pass_seconds > _LONG else _MOST_STEPS
        while not self._cancelled() and len(steps) < most and sum(steps) < _ENOUGH:
            start = time.perf_counter()
            # The time is that of any numbers.
            with suppress(NonFiniteError):
                self._model.train_batch(self._images, self._targets)
            self._optimizer.step(_LR)
            steps.append(time.perf_counter() - start)
        return statistics.median(steps) if steps else pass_seconds


def _layer_times(times: dict[tuple[str, bool], float], step_seconds: float) -> Iterator[LayerTime]:
    """Times of the passes by layer, scaled to add up to a step."""
    scale = step_seconds / sum(times.values())
    for name in dict.fromkeys(name for name, _ in times):
        forward, backward = times.get((name, False), 0.0), times.get((name, True), 0.0)
        yield LayerTime(name, forward * scale, backward * scale)
