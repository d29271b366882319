"""Checks before a training: does the loss start right, do gradients agree, can it learn at all?

CS231n notes, Neural Networks Part 3, Before learning: sanity checks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.checks.bench import Bench, CheckResult
from cnn_tui.engine.training.checks.learning import gradients, overfit
from cnn_tui.engine.training.checks.start import class_balance, initial_loss, input_scale, l2_loss
from cnn_tui.engine.training.opening import check_compatible

BUDGET = 16.5
"""Seconds; start, loading and a step that has begun come on top, and 20 are promised."""
CHECKS: dict[str, Callable[[Bench], CheckResult]] = {
    "input scale": input_scale,
    "class balance": class_balance,
    "initial loss": initial_loss,
    "L2": l2_loss,
    "gradients": gradients,
    "overfit a few": overfit,
}
"""By name, in the order in which they are made: the quick ones first."""


def preflight(
    network: Network,
    dataset: Dataset,
    *,
    threads: int = 1,
    stopping: Callable[[], bool] = lambda: False,
    budget: float = BUDGET,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[CheckResult]:
    """The checks, each as soon as it is done; no more once ``stopping``.

    Large networks are checked on few images, or on narrower copies; the line then says so.

    Raises:
        ShapeError: the network has issues or does not fit the data.
    """
    check_compatible(network, dataset)
    with closing(Bench(network, dataset, threads, stopping, budget, clock)) as bench:
        for check in CHECKS.values():
            if stopping():
                return
            result = check(bench)
            if not stopping():
                yield result
