"""The learning-rate range test: the rate rises until the loss does (Smith 2017, section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing

import msgspec

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.loader import Batch, Loader
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.opening import check_compatible

LOW, HIGH, STEPS = 1e-5, 10.0, 100
SMOOTHING = 0.8
"""Weight of the past in the running mean of the loss, which covers about five steps."""
DIVERGED = 3.0
"""Multiple of the lowest loss at which the test ends."""
REACH = 5
"""Points on either side of a slope."""
MARGIN = 4.0
"""Least factor between the suggested rate and that of the lowest loss, which is nearly too high."""
TINY = 1e-30
FALL = 0.98
"""Share of the first loss that the lowest must fall below for a suggestion."""


class LrPoint(msgspec.Struct, frozen=True):
    """A step of the test."""

    step: int
    lr: float
    loss: float
    smooth: float
    """Running mean of ``loss``."""


class LrCurve(msgspec.Struct, frozen=True):
    """The result of the test and its suggestion."""

    points: tuple[LrPoint, ...]
    lr: float | None
    """Suggested learning rate; None if the curve gives none."""
    reason: str
    diverged: bool
    """Whether the test ended because the loss diverged."""


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
    """Run the test to its end or until ``stopping`` returns True, and read the curve."""
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
    """Train a copy of the network from new weights, with rates evenly spaced in log.

    The generator ends early if the loss diverges; close it if it is not exhausted.

    Raises:
        ShapeError: if the network has issues or does not match the data.
    """
    check_compatible(network, dataset)
    recipe = network.training
    loader = Loader(dataset.train, Normalizer.of(dataset.train, recipe), recipe)
    with ExitStack() as stack:
        model = stack.enter_context(closing(make_engine(network, threads=threads)))
        optimizer = model.optimizer(recipe)
        mean, weight, lowest = 0.0, 0.0, math.inf
        batches = stack.enter_context(closing(_batches(loader)))
        for step, batch in zip(range(steps), batches, strict=False):
            lr = low * (high / low) ** (step / max(1, steps - 1))
            try:
                result = model.train_batch(*batch)
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
    """Suggest the rate at which the loss falls fastest, well below that of the lowest loss."""
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


def _slope(points: list[LrPoint], index: int) -> float:
    """Relative change of the loss per point; the points are evenly spaced in log rate.

    Absolute changes would favour the first fall of a loss that begins far above chance, at rates
    at which nothing is learned.
    """
    before, after = max(0, index - REACH), min(len(points) - 1, index + REACH)
    fall = math.log(max(points[after].smooth, TINY) / max(points[before].smooth, TINY))
    return fall / (after - before)


def _batches(loader: Loader) -> Generator[Batch, None, None]:
    """Batches of endless epochs."""
    epoch = 1
    while True:
        yield from loader.epoch(epoch)
        epoch += 1
