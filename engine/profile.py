"""Profiling of a few steps on random data: how long training will take, and each layer's share."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.memory_estimate import MemoryEstimate, check_memory
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.specs.network import Network

_BRIEF = 2.0
"""Seconds; a shorter first pass is left out, because first access to memory is slow."""
_LONG = 5.0
"""Seconds; after a longer pass nothing else is timed."""
_MOST_ROUNDS, _ENOUGH = 15, 1.5
"""Limits of the rounds of a pass by layer and a normal step: their number and total seconds."""
_LR = 1e-9
"""Tiny, so that random labels do not make the weights diverge."""


_Times = dict[tuple[str, bool], float]
"""Seconds by the name of a layer and whether it runs backward."""


@dataclass(frozen=True)
class LayerTime:
    """Seconds of a training step that a layer takes."""

    name: str
    """Name of the layer as in the report of :func:`check`; empty for all other work."""
    forward: float
    backward: float
    computed_in: str = ""
    """Name of the layer whose time holds the forward pass of this one; empty for its own."""

    @property
    def total(self) -> float:
        """Seconds of both passes."""
        return self.forward + self.backward


@dataclass(frozen=True)
class Profile:
    """Time and memory of training, measured on a few steps."""

    batch_size: int
    threads: int
    step_seconds: float
    """Seconds of one step: forward, loss, backward, optimizer."""
    layers: tuple[LayerTime, ...]
    """Layers in the order in which they run; their times add up to ``step_seconds``."""
    memory: MemoryEstimate

    @property
    def forward_seconds(self) -> float:
        """Seconds of a forward pass, which is also the time of a validation batch."""
        return sum(layer.forward for layer in self.layers)

    def epoch_seconds(self, train_images: int, val_images: int = 0) -> float:
        """Seconds of an epoch of training steps and the validation after it."""
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
    """Time a few training steps on random images, in a separate model.

    Args:
        network: the network, trained by its recipe.
        batch_size: images per step; None for the recipe's.
        threads: number of threads; None for the number of cores.
        available: bytes of memory that may be used; None asks the system.
        cancelled: called between layers; once it returns True, the result is None.

    Raises:
        ShapeError: if the layers do not fit together.
        MemoryLimitError: if training would not fit in memory.
    """
    batch_size = batch_size or network.training.batch_size
    memory = check_memory(network, batch_size, available)
    with closing(make_engine(network, threads=threads or default_threads())) as model:
        return _Probe(network, model, batch_size, cancelled).forecast(memory)


class _Probe:
    """A model and the random data that it is timed on."""

    def __init__(
        self, network: Network, model: Engine, batch_size: int, cancelled: Callable[[], bool]
    ) -> None:
        self._model, self._batch_size, self._cancelled = model, batch_size, cancelled
        self._optimizer = model.optimizer(network.training)
        rng = np.random.default_rng(0)
        shape = (batch_size, *network.input)
        self._images = rng.standard_normal(shape, dtype=np.float32)
        self._targets = np.zeros(batch_size, np.int64)

    def forecast(self, memory: MemoryEstimate) -> Profile | None:
        first = self._by_layer()
        whole = sum(first.values())
        passes, steps = ([] if whole < _BRIEF else [first]), list[float]()
        # In turn, so that what else the machine does disturbs both alike; then the medians.
        start = time.perf_counter()
        while whole < _LONG and len(steps) < _MOST_ROUNDS and not self._cancelled():
            passes.append(self._by_layer())
            steps.append(self._step())
            if time.perf_counter() - start > _ENOUGH:
                break
        if self._cancelled():
            return None
        times = _medians(passes)
        step_seconds = statistics.median(steps) if steps else sum(times.values())
        return Profile(
            self._batch_size,
            self._model.threads,
            step_seconds,
            tuple(_layer_times(times, step_seconds)),
            memory,
        )

    def _by_layer(self) -> _Times:
        """Seconds by layer and direction of one pass; incomplete if cancelled."""
        times: _Times = {}
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

    def _step(self) -> float:
        """Seconds of a normal step, in which the stages of several layers are merged."""
        start = time.perf_counter()
        # The time does not depend on the values.
        with suppress(NonFiniteError):
            self._model.train_batch(self._images, self._targets)
        self._optimizer.step(_LR)
        return time.perf_counter() - start


def _medians(passes: Sequence[_Times]) -> _Times:
    return {owner: statistics.median(times[owner] for times in passes) for owner in passes[0]}


def _layer_times(times: _Times, step_seconds: float) -> Iterator[LayerTime]:
    """Times by layer, scaled to add up to a step."""
    scale = step_seconds / sum(times.values())
    # A batch norm computes the ReLU that follows, which comes just before it on the way back.
    way_back = [name for name, is_backward in times if is_backward]
    frozen = [name for name, _ in times if (name, True) not in times]
    before = dict(pairwise([*way_back, *reversed(frozen)]))
    for name in dict.fromkeys(name for name, _ in times):
        forward, backward = times.get((name, False), 0.0), times.get((name, True), 0.0)
        is_own = not name or (name, False) in times
        computed_in = "" if is_own else before.get(name, "")
        yield LayerTime(name, forward * scale, backward * scale, computed_in)
