"""The memory that training will need, computed before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from cnn_tui.engine.build import build_uninitialized
from cnn_tui.engine.engines import require_engine
from cnn_tui.engine.errors import MemoryLimitError
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.wording import file_size
from cnn_tui.engine.system_memory import available_memory

_FLOAT = 4


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a training run will hold, without data and interpreter."""

    parameters: int
    gradients: int
    optimizer: int
    activations: int
    """Activations, their gradients and scratch arrays of one batch."""

    @property
    def total(self) -> int:
        """Bytes during training."""
        return self.parameters + self.gradients + self.optimizer + self.activations

    @property
    def peak(self) -> int:
        """Bytes while a checkpoint is written, when its copy is held as well."""
        return self.total + self.parameters + self.optimizer


def estimate_memory(network: Network, batch_size: int) -> MemoryEstimate:
    """Plan a training step of ``network`` as the engine would, without touching the memory.

    Raises:
        ShapeError: if the layers do not fit together.
        MemoryError: if the system refuses to reserve that much.
    """
    model = build_uninitialized(network, seed=0, dtype=np.float32, threads=1)
    try:
        optimizer = build_optimizer(network.training, model)
        return MemoryEstimate(
            parameters=model.store.data.nbytes,
            gradients=model.store.grad.nbytes,
            optimizer=sum(state.nbytes for state in optimizer.state),
            activations=model.plan_training(batch_size).bytes,
        )
    finally:
        model.close()


def check_memory(
    network: Network, batch_size: int | None = None, available: int | None = None
) -> MemoryEstimate:
    """The memory of a training, if it fits.

    Args:
        network: the network to be trained.
        batch_size: images per step; None for the recipe's.
        available: bytes that may be used; None asks the system, but not about a GPU.

    Raises:
        ShapeError: if the layers do not fit together.
        EngineError: if the engine of the recipe, or its device, is not there.
        MemoryLimitError: if less memory is available; the error names a batch size that fits.
    """
    batch_size = batch_size or network.training.batch_size
    if available is None and require_engine(network):
        available = available_memory()
    if available is None:
        return estimate_memory(network, batch_size)
    estimate = _estimate_within(network, batch_size, available)
    if estimate.peak > available:
        raise _too_much(network, batch_size, estimate.peak, available)
    return estimate


def _estimate_within(network: Network, batch_size: int, available: int) -> MemoryEstimate:
    """The estimate, or its lower bound where that already exceeds ``available``."""
    least = _least(network, batch_size)
    if least.peak > available:
        return least
    try:
        return estimate_memory(network, batch_size)
    except MemoryError:
        return replace(least, activations=available + 1)


def _least(network: Network, batch_size: int) -> MemoryEstimate:
    """A lower bound by arithmetic alone, so that nothing far too large is ever planned."""
    report = check(network)
    parameters = _FLOAT * report.total_params
    activations = _FLOAT * batch_size * sum(_kept(report.layers))
    return MemoryEstimate(parameters, parameters, 0, activations)


def _kept(layers: Iterable[LayerReport]) -> Iterator[int]:
    """Values per image that are held from the forward pass to the backward pass."""
    for layer in layers:
        for inner in layer.inner:
            yield from _kept(inner)
        if layer.weights and not layer.inner:
            yield layer.activations


def _too_much(network: Network, batch_size: int, peak: int, available: int) -> MemoryLimitError:
    fitting = _fitting_batch(network, batch_size, available)
    return MemoryLimitError(
        f"Training {network.name} in batches of {batch_size} needs {file_size(peak)} of memory or "
        f"more, and {file_size(available)} are free.",
        f"Batches of {fitting} would fit."
        if fitting
        else "Not even one image fits: use fewer channels or features.",
        fitting,
    )


def _fitting_batch(network: Network, batch_size: int, available: int) -> int:
    """The largest power of two below ``batch_size`` that fits; 0 if none does."""
    fitting = 1 << (batch_size - 1).bit_length()
    while fitting := fitting // 2:
        if _estimate_within(network, fitting, available).peak <= available:
            return fitting
    return 0
