"""Whether a network can learn a few images by heart. Notes, Neural Networks Part 3."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import msgspec
import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.network import Network, Recipe

STEPS = 300
WARM_UP = 20
"""Steps in which the rate rises: recipes mostly begin low, and the images are only few."""
RELIABLE = Recipe(optimizer="adam", lr=1e-3)
"""What learns nearly anything by heart, if it can be learned."""


@dataclass(frozen=True)
class OverfitResult:
    """What came of it."""

    steps: int
    right: int
    images: int
    loss: float
    complete: bool
    """Whether it was ended by success or after all steps, not by the clock."""

    @property
    def learned(self) -> bool:
        """Whether every image was right."""
        return self.right == self.images


def try_to_overfit(
    network: Network,
    images: Array,
    targets: np.ndarray,
    *,
    threads: int = 1,
    stopping: Callable[[], bool] = lambda: False,
) -> OverfitResult:
    """Train on one batch until all of it is right, without L2, dropout and weight decay."""
    recipe = msgspec.structs.replace(network.training, l2=0.0, weight_decay=0.0)
    right, loss, step = 0, float("inf"), 0
    with closing(build(network, seed=recipe.seed, threads=threads)) as model:
        model.mode.dropout = 0.0
        optimizer = build_optimizer(recipe, model)
        for step in range(1, STEPS + 1):
            try:
                result = model.train_batch(images, targets)
            except NonFiniteError:
                return OverfitResult(step, 0, len(targets), float("nan"), complete=True)
            right, loss = result.correct, result.loss
            if right == len(targets):
                break
            if stopping():
                return OverfitResult(step, right, len(targets), loss, complete=False)
            optimizer.step(recipe.lr * min(1.0, step / WARM_UP), result.gradient_norm)
    return OverfitResult(step, right, len(targets), loss, complete=True)


def reliably(network: Network) -> Network:
    """The same network with a recipe that makes no difficulties."""
    recipe = network.training
    changed = msgspec.structs.replace(
        recipe,
        optimizer=RELIABLE.optimizer,
        lr=RELIABLE.lr,
        initializer="he",
        clip_norm=None,
    )
    return msgspec.structs.replace(network, training=changed)
