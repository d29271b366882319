"""Central differences. CS231n notes, Neural Networks Part 3, Gradient checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from samples import gradients_of

from cnn_tui.engine.model import Model

Loss = Callable[[], float]
STEP = 1e-6
"""Rounding errs by about 1e-16 / STEP, curvature by about STEP**2."""


def assert_gradients(model: Model, loss: Loss, *, singles: int = 24, lines: int = 2) -> None:
    """The slope of ``loss``, from both sides, is what the gradients in ``model`` say.

    For each parameter along random ``lines``, which move all its entries at once, so that none
    can be wrong unseen; and for ``singles`` of its entries, chosen at random, each by itself.
    """
    loss()
    found = gradients_of(model)
    rng = np.random.default_rng(0)
    for name, parameter in model.parameters.items():
        for line in _lines(found[name].shape, rng, singles, lines):
            expected = _slope(parameter.data, line, loss)
            slope = float((found[name] * line).sum())
            np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-7, err_msg=name)


def _lines(
    shape: tuple[int, ...], rng: np.random.Generator, singles: int, lines: int
) -> Iterator[np.ndarray]:
    for _ in range(lines):
        yield rng.standard_normal(shape)
    size = int(np.prod(shape))
    for place in rng.permutation(size)[:singles]:
        yield (np.arange(size) == place).reshape(shape).astype(float)


def _slope(data: np.ndarray, line: np.ndarray, loss: Loss) -> float:
    kept = data.copy()
    data[...] = kept + STEP * line
    above = loss()
    data[...] = kept - STEP * line
    below = loss()
    data[...] = kept
    return (above - below) / (2 * STEP)
