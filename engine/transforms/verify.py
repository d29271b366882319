"""Compares a network with its rewritten form on random input."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.rewrite import Rewrite
from cnn_tui.engine.transforms.carry import Weights, carry, load_weights, weights_of

TOLERANCE = 1e-5
"""Allowed difference relative to the largest score, or to 1 if that is smaller: float32 sums
depend on their order."""


class Verification(NamedTuple):
    """A comparison of the scores of both networks for the same random images."""

    exact: bool
    """Whether the scores should be equal."""
    images: int
    classes: int
    difference: float
    """The largest difference of two scores."""
    largest: float
    """The largest absolute score."""

    @property
    def passed(self) -> bool:
        """Whether the scores are finite and, if the rewrite is exact, equal."""
        if not np.isfinite(self.largest) or not np.isfinite(self.difference):
            return False
        return not self.exact or self.difference <= TOLERANCE * max(1.0, self.largest)


def verify(
    rewritten: Rewrite, weights: Weights | None = None, *, images: int = 4, seed: int = 0
) -> Verification:
    """Run both networks with the same weights and compare their scores.

    Only one network is in memory at a time, in float32 as for training.

    Args:
        rewritten: a rewrite by :mod:`cnn_tui.engine.specs.transforms`.
        weights: weights of the network before; None draws them from ``seed``.
        images: number of images, of normally distributed values.
        seed: seed of the images and weights.

    Raises:
        ShapeError: if the weights belong to another network, or the matrix of a convolution
            would be too large.
    """
    shape = (images, *rewritten.before.input)
    batch = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    before, weights = _run(rewritten.before, weights, batch, seed)
    after, _ = _run(rewritten.after, carry(rewritten, weights, seed=seed), batch, seed)
    with np.errstate(invalid="ignore"):  # the difference of two infinities
        difference = float(np.abs(before - after).max())
    return Verification(
        exact=rewritten.exact,
        images=images,
        classes=before.shape[1],
        difference=difference,
        largest=float(np.abs(before).max()),
    )


def _run(
    network: Network, weights: Weights | None, batch: Array, seed: int
) -> tuple[Array, Weights]:
    with closing(build(network, seed=seed)) as model:
        if weights is not None:
            load_weights(model, weights)
        return model.forward(batch), weights or weights_of(model)
