"""Learning-rate schedules."""

from __future__ import annotations

import math

from cnn_tui.engine.specs.network import Recipe

ONE_CYCLE_RISE = 0.3
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1e-4
"""The one-cycle schedule of Smith & Topin 2018 with PyTorch's defaults: share of the steps that
rise, and first and last rate as factors of the peak."""
LEAST_RISE, LEAST_PEAK = 60, 0.5
"""Steps of a rise below which the peak is lower, and the lowest share of it: a recipe that was
shortened to an epoch would otherwise be driven up too fast, and may end at chance."""


def learning_rate(training: Recipe, step: int, batches: int) -> float:
    """The rate of step ``step``, counted from 0, with ``batches`` steps per epoch."""
    factor = _factor(training, step, batches)
    warmup = training.warmup_epochs * batches
    if step < warmup:
        factor *= (step + 1) / warmup
    return training.lr * min(factor, 1.0)


def _factor(training: Recipe, step: int, batches: int) -> float:
    epoch = step // batches
    progress = step / max(1, training.epochs * batches - 1)
    match training.schedule:
        case "step":
            return training.gamma ** int(epoch / training.step_epochs)
        case "exponential":
            return training.gamma**epoch
        case "cosine":
            return _anneal(1, 0, progress)
        case "one-cycle":
            return _one_cycle(progress) * one_cycle_peak(training.epochs * batches)
    return 1.0


def _one_cycle(progress: float) -> float:
    if progress < ONE_CYCLE_RISE:
        return _anneal(ONE_CYCLE_START, 1, progress / ONE_CYCLE_RISE)
    return _anneal(1, ONE_CYCLE_END, (progress - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE))


def one_cycle_peak(steps: int) -> float:
    """The peak of a run of ``steps`` as a share of the rate: 1 from 200 steps on."""
    return min(1.0, max(LEAST_PEAK, ONE_CYCLE_RISE * steps / LEAST_RISE))


def _anneal(start: float, end: float, share: float) -> float:
    """Half a cosine from ``start`` to ``end`` (Loshchilov & Hutter 2017)."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
