"""Central differences on a float64 copy of a network. Notes, Neural Networks Part 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.specs.network import Network

STEPS = (1e-5, 1e-6, 1e-7)
"""Tried until the slopes agree: a kink leaves the interval as it shrinks, a mistake stays."""
FLOOR = 1e-5
"""The smallest gradient that an error is relative to."""
ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""The relative error of a loss: 2 units in the last place were seen on the kernels of OpenBLAS."""
TOLERANCE = 1e-4
"""What the notes are content with where there are kinks, as those of ReLUs."""


@dataclass(frozen=True)
class GradientCheck:
    """How far analytic and numerical gradients are apart, at worst."""

    error: float
    """Relative."""
    parameter: str
    """Where it is worst."""
    entries: int
    """How many were checked,"""
    parameters: int
    """of how many parameters."""
    complete: bool
    """Whether all that were to be checked have been."""


def check_gradients(
    network: Network,
    images: Array,
    targets: np.ndarray,
    *,
    entries: int = 3,
    threads: int = 1,
    stopping: Callable[[], bool] = lambda: False,
) -> GradientCheck:
    """Check in each parameter the entry with the largest gradient and random ones.

    The loss is that of training: batch statistics, and the dropout masks of one step throughout.
    """
    model = build(network, seed=network.training.seed, dtype=np.float64, threads=threads)
    try:
        return _check(model, images.astype(np.float64), targets, entries, stopping)
    finally:
        model.close()


def _check(
    model: Model,
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
    worst, where, checked, names = 0.0, "", 0, set[str]()
    # One entry of each parameter first, so that a check that is cut short has seen them all.
    for parameter, place in _places(list(model.parameters.values()), entries, rng):
        if stopping():
            return GradientCheck(worst, where, checked, len(names), complete=False)
        error = _error(parameter, place, loss)
        checked += 1
        names.add(parameter.name)
        if error > worst or not where:
            worst, where = error, parameter.name
    return GradientCheck(worst, where, checked, len(names), complete=True)


def _places(
    parameters: list[Parameter], entries: int, rng: np.random.Generator
) -> Iterator[tuple[Parameter, tuple[int, ...]]]:
    for parameter in parameters:
        yield parameter, _index(parameter, int(np.abs(parameter.grad).argmax()))
    for _ in range(entries - 1):
        for parameter in parameters:
            yield parameter, _index(parameter, int(rng.integers(parameter.size)))


def _index(parameter: Parameter, flat: int) -> tuple[int, ...]:
    return tuple(int(part) for part in np.unravel_index(flat, parameter.data.shape))


def _error(parameter: Parameter, place: tuple[int, ...], loss: Callable[[], float]) -> float:
    """Relative error of one entry, at the step that suits it best.

    A central difference errs by step**2 / 6 times the third derivative, which is 1e-10 at most, and
    by what the two losses lose in rounding, divided by the step. The latter has nothing to do with
    the gradient: it is all that is seen of one that is zero, as of a bias before batch norm.
    """
    analytic = float(parameter.grad[place])
    errors, scale = list[float](), max(1.0, abs(loss()))
    for step in STEPS:
        rounding = ROUNDING * scale / step
        for slope in _slopes(parameter.data, place, step, loss):
            apart = max(0.0, abs(analytic - slope) - rounding)
            errors.append(apart / max(abs(analytic), abs(slope), FLOOR))
        if min(errors) <= TOLERANCE / 10:
            break
    return min(errors)


def _slopes(
    data: Array, place: tuple[int, ...], step: float, loss: Callable[[], float]
) -> tuple[float, float, float]:
    """From both sides, from the left and from the right.

    Where a kink is hit exactly (a ReLU of nothing but zeros and no bias yet) the slopes of its
    two sides differ, and the gradient is one of them.
    """
    kept = data[place]
    here = loss()
    data[place] = kept + step
    above = loss()
    data[place] = kept - step
    below = loss()
    data[place] = kept
    return (above - below) / (2 * step), (here - below) / step, (above - here) / step
