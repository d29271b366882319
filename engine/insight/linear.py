"""A linear classifier on features: what a single layer of weights can read from them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.fitting import Labelled, fitted_accuracy
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network, Recipe

RECIPE = Recipe(
    epochs=15,
    batch_size=100,
    initializer="zeros",
    optimizer="nesterov",
    lr=3.0,
    l2=1e-4,
    schedule="cosine",
)
"""The recipe of every probe, so that layers can be compared: the features are scaled so that the
steps suit any number of them."""
_CONSTANT = 1e-4
"""Spread of a feature, relative to the largest, up to which it is left out."""


def linear_accuracy(
    train: Array,
    labels: NDArray[np.int64],
    test: Array,
    truth: NDArray[np.int64],
    classes: int,
    *,
    seed: int = 0,
    threads: int = 1,
    watcher: Watcher = NOBODY,
) -> float:
    """Test accuracy, 0 to 1, of softmax regression on features ``(N, D)``.

    Each feature is scaled to mean 0 and variance ``1 / D`` over the training images.
    """
    mean, std = train.mean(axis=0), train.std(axis=0)
    width = train.shape[1]
    varies = std > _CONSTANT * std.max(initial=0)
    scale = np.divide(1 / math.sqrt(width), std, out=np.zeros_like(std), where=varies)
    network = Network(
        name="probe", input=(width, 1, 1), layers=(FC(out_features=classes),), training=RECIPE
    )
    known, unseen = (
        Labelled(((rows - mean) * scale)[:, :, None, None], of)
        for rows, of in ((train, labels), (test, truth))
    )
    return fitted_accuracy(network, known, unseen, seed=seed, threads=threads, watcher=watcher)
