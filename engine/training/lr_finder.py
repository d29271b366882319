"""The learning-rate range test: rates that rise until the loss does (Smith 2017, section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing

import msgspec

from cnn_tui.engine.build import build
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.loader import Batch, Loader
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.opening import check_compatible

LOW, HIGH, STEPS = 1e-5, 10.0, 100
SMOOTHING = 0.8
"""Of the loss: about the last five steps."""
DIVERGED = 3.0
"""Times the lowest loss, from which on no higher rate can help."""
REACH = 5
"""Points on either side that a slope is taken over."""
MARGIN = 4.0
"""Times below the rate of the lowest loss, which is on the way to too high already."""
TINY = 1e-30
FALL = 0.98
"""Of the first loss: the lowest must be below this to tell anything."""


class LrPoint(msgspec.Struct, frozen=True):
    """One step of the test."""

    step: int
    lr: float
    loss: float
    smooth: float
    """Running mean of the loss."""


class LrCurve(msgspec.Struct, frozen=True):
    """The whole test and what it suggests."""

    points: tuple[LrPoint, ...]
    lr: float | None
    """A learning rate for the recipe; None if the test does not tell."""
    reason: str
    diverged: bool
    """Whether it ended because the loss had left for good."""


def find_lr(
    network: Network,
    dataset: Dataset,
    *,
    steps: int = STEPS,
    low: float = LOW,
    high: float = HIGH,
    threads: int = 1,
    stopping: Callable[[], bool] = lambda: False,
    report: Callable[[LrPoint], None] = lambda point: None,
) -> LrCurve:
    """Run the test to its end, or until ``stopping``, and look at the curve so far."""
    points = []
    with closing(
        sweep(network, dataset, steps=steps, low=low, high=high, threads=threads)
    ) as sweeping:
        for point in sweeping:
            points.append(point)
            report(point)
            if stopping():
                break
    return read_curve(points, steps)


def sweep(
    network: Network,
    dataset: Dataset,
    *,
    steps: int = STEPS,
    low: float = LOW,
    high: float = HIGH,
    threads: int = 1,
) -> Generator[LrPoint, None, None]:
    """Train a copy of the network with new weights, each step at a higher rate, evenly in log.

    Ends early when the loss diverges. To be closed if it is not run to its end.

    Raises:
        ShapeError: the network has issues or does not fit the data.
    """
    check_compatible(network, dataset)
    recipe = network.training
    loader = Loader(dataset.train, Normalizer.of(dataset.train, recipe), recipe)
    with ExitStack() as stack:
        model = stack.enter_context(closing(build(network, seed=recipe.seed, threads=threads)))
        optimizer = build_optimizer(recipe, model)
        mean, weight, lowest = 0.0, 0.0, math.inf
        batches = stack.enter_context(closing(_batches(loader)))
        for step, batch in zip(range(steps), batches, strict=False):
            lr = low * (high / low) ** (step / max(1, steps - 1))
            try:
                result = model.train_batch(batch.images, batch.targets)
            except NonFiniteError:
                return
            optimizer.step(lr, result.gradient_norm)
            mean = SMOOTHING * mean + (1 - SMOOTHING) * result.loss
            weight = SMOOTHING * weight + (1 - SMOOTHING)
            yield LrPoint(step + 1, lr, result.loss, mean / weight)
            lowest = min(lowest, mean / weight)
            if mean / weight > DIVERGED * lowest and result.loss > DIVERGED * lowest:
                return


def read_curve(points: list[LrPoint], steps: int = STEPS) -> LrCurve:
    """The rate at which the loss falls fastest, but well below that at which it is lowest."""
    curve, diverged = tuple(points), len(points) < steps
    bottom = min(range(len(points)), key=lambda i: points[i].smooth, default=0)
    if bottom < 2 * REACH or points[bottom].smooth > FALL * points[0].smooth:
        reason = "the loss does not fall at any of these learning rates."
        return LrCurve(curve, None, reason, diverged)
    steepest = min(range(REACH, bottom), key=lambda i: _slope(points, i))
    lowest, fastest = points[bottom].lr, points[steepest].lr
    lr = float(f"{min(fastest, lowest / MARGIN):.1g}")
    reason = (
        f"the loss falls fastest at {fastest:.2g} and is lowest, {points[bottom].smooth:.3g}, at "
        f"{lowest:.2g}."
    )
    return LrCurve(curve, lr, reason, diverged)


def _slope(points: list[LrPoint], place: int) -> float:
    """By which part the loss changes from point to point; they are evenly spaced in log rate.

    In parts, not in differences: otherwise the fastest fall would be that from weights which
    begin far above chance, at rates at which nothing is learned.
    """
    before, after = max(0, place - REACH), min(len(points) - 1, place + REACH)
    fall = math.log(max(points[after].smooth, TINY) / max(points[before].smooth, TINY))
    return fall / (after - before)


def _batches(loader: Loader) -> Generator[Batch, None, None]:
    """One epoch after another."""
    epoch = 1
    while True:
        yield from loader.epoch(epoch)
        epoch += 1
