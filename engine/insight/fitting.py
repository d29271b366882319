"""A small network trained on features in memory, and its accuracy on others."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import Engine
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.network import Network


class Labelled(NamedTuple):
    """Features ``(N, C, H, W)``, float32, and their classes ``(N,)``."""

    features: Array
    labels: NDArray[np.int64]


def fitted_accuracy(
    network: Network,
    train: Labelled,
    test: Labelled,
    *,
    seed: int,
    threads: int,
    watcher: Watcher = NOBODY,
) -> float:
    """Test accuracy, 0 to 1, after training by the network's recipe; equal arguments, equal bits.

    ``seed`` decides the initial weights and the order of the features.

    Raises:
        CancelledError: if ``watcher`` cancels.
        NonFiniteError: if the training diverges.
    """
    recipe = network.training
    batches = -(-len(train.labels) // recipe.batch_size)
    rng = np.random.default_rng(seed)
    with closing(make_engine(network, seed=seed, threads=threads)) as model:
        optimizer = model.optimizer(recipe)
        for epoch in range(recipe.epochs):
            watcher.quiet.check_in(0.0)
            order = rng.permutation(len(train.labels))
            for batch in range(batches):
                chosen = order[batch * recipe.batch_size : (batch + 1) * recipe.batch_size]
                result = model.train_batch(train.features[chosen], train.labels[chosen])
                lr = learning_rate(recipe, epoch * batches + batch, batches)
                optimizer.step(lr, result.gradient_norm)
        return float(hits(model, test.features, test.labels).mean())


BATCH = 250
"""Images of a pass without training."""


def hits(
    model: Engine,
    images: Array,
    labels: NDArray[np.int64],
    watcher: Watcher = NOBODY,
) -> NDArray[np.bool_]:
    """Which images ``(N, C, H, W)`` the model classifies as labelled, ``(N,)``."""
    found = np.empty(len(labels), bool)
    for start in range(0, len(labels), BATCH):
        watcher.check_in(start / len(labels))
        part = slice(start, start + BATCH)
        found[part] = model.forward(images[part]).argmax(axis=1) == labels[part]
    return found
