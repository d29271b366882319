"""Gradient check by central differences on a float64 copy. Notes, Neural Networks Part 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Engine, Learned
from cnn_tui.engine.specs.network import Network

STEPS = (1e-5, 1e-6, 1e-7)
"""Step sizes, tried until the slopes agree: a smaller step avoids a kink, but not a mistake."""
FLOOR = 1e-5
"""The smallest gradient that an error is relative to."""
ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""Relative error of a loss; kernels of OpenBLAS differ by 2 units in the last place (measured)."""
TOLERANCE = 1e-4
"""The relative error that the notes accept for networks with kinks, such as those of ReLUs."""


@dataclass(frozen=True)
class GradientCheck:
    """The largest difference between analytic and numerical gradients."""

    error: float
    """Largest relative error."""
    parameter: str
    """Learned with the largest error."""
    entries: int
    """Number of entries that were checked."""
    parameters: int
    """Number of parameters that these belong to."""
    complete: bool
    """Whether every planned entry was checked."""


def check_gradients(
    network: Network,
    images: Array,
    targets: np.ndarray,
    *,
    entries: int = 3,
    threads: int = 1,
    stopping: Callable[[], bool] = lambda: False,
) -> GradientCheck:
    """Check the entry with the largest gradient and random entries of each parameter.

    The loss is that of training, with batch statistics and the dropout masks of a single step.
    """
    model = make_engine(network, dtype=np.float64, threads=threads)
    try:
        return _check(model, images.astype(np.float64), targets, entries, stopping)
    finally:
        model.close()


def _check(
    model: Engine,
    images: Array,
    targets: np.ndarray,
    entries: int,
    stopping: Callable[[], bool],
) -> GradientCheck:
    def loss() -> float:
        return model.loss_of(model.forward(images, training=True), targets)

    model.train_batch(images, targets)
    model.mode.step = 0
    rng = np.random.default_rng(model.mode.seed)
    trained = [parameter for parameter in model.parameters.values() if not parameter.frozen]
    worst, where, checked, names = 0.0, "", 0, set[str]()
    # One entry of each parameter first, so that an incomplete check has covered all parameters.
    for parameter, index in _indices(trained, entries, rng):
        if stopping():
            return GradientCheck(worst, where, checked, len(names), complete=False)
        error = _error(parameter, index, loss)
        checked += 1
        names.add(parameter.name)
        if error > worst or not where:
            worst, where = error, parameter.name
    return GradientCheck(worst, where, checked, len(names), complete=True)


def _indices(
    parameters: list[Learned], entries: int, rng: np.random.Generator
) -> Iterator[tuple[Learned, tuple[int, ...]]]:
    for parameter in parameters:
        yield parameter, _index(parameter, int(np.abs(parameter.grad).argmax()))
    for _ in range(entries - 1):
        for parameter in parameters:
            yield parameter, _index(parameter, int(rng.integers(parameter.size)))


def _index(parameter: Learned, flat: int) -> tuple[int, ...]:
    return tuple(int(axis) for axis in np.unravel_index(flat, parameter.data.shape))


def _error(parameter: Learned, index: tuple[int, ...], loss: Callable[[], float]) -> float:
    """Relative error of one entry, at the step with the smallest error.

    The error of a central difference is step**2 / 6 times the third derivative, at most 1e-10, plus
    the rounding of the two losses divided by the step. Rounding is subtracted, because it would
    dominate a gradient of zero, such as that of a bias before batch norm.
    """
    analytic = float(parameter.grad[index])
    errors, scale = list[float](), max(1.0, abs(loss()))
    for step in STEPS:
        rounding = ROUNDING * scale / step
        for slope in _slopes(parameter.data, index, step, loss):
            difference = max(0.0, abs(analytic - slope) - rounding)
            errors.append(difference / max(abs(analytic), abs(slope), FLOOR))
        if min(errors) <= TOLERANCE / 10:
            break
    return min(errors)


def _slopes(
    data: Array, index: tuple[int, ...], step: float, loss: Callable[[], float]
) -> tuple[float, float, float]:
    """Slopes from both sides, from the left and from the right.

    Exactly at a kink (a ReLU whose inputs are all zero) the slopes of the two sides differ, and the
    gradient is one of them.
    """
    original = data[index]
    here = loss()
    data[index] = original + step
    above = loss()
    data[index] = original - step
    below = loss()
    data[index] = original
    return (above - below) / (2 * step), (here - below) / step, (above - here) / step
