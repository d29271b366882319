"""Checks before a training: is the first loss right, do gradients agree, can the network learn?

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
from cnn_tui.engine.training.checks.splits import splits
from cnn_tui.engine.training.checks.start import class_balance, initial_loss, input_scale, l2_loss
from cnn_tui.engine.training.opening import check_compatible

BUDGET = 16.5
"""Seconds for the checks; start-up, loading and a step that overruns must fit within 20."""
CHECKS: dict[str, Callable[[Bench], CheckResult]] = {
    "input scale": input_scale,
    "class balance": class_balance,
    "splits": splits,
    "initial loss": initial_loss,
    "L2": l2_loss,
    "gradients": gradients,
    "overfit a few": overfit,
}
"""The checks by name, in the order in which they run, the quick ones first."""


def preflight(
    network: Network,
    dataset: Dataset,
    *,
    threads: int = 1,
    stopping: Callable[[], bool] = lambda: False,
    budget: float = BUDGET,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[CheckResult]:
    """Results of the checks, each as soon as it is known, until ``stopping`` returns True.

    Large networks are checked on few images or on narrower copies; the message then says so.

    Raises:
        ShapeError: if the network has issues or does not match the data.
    """
    check_compatible(network, dataset)
    with closing(Bench(network, dataset, threads, stopping, budget, clock)) as bench:
        for check in CHECKS.values():
            if stopping():
                return
            result = check(bench)
            if not stopping():
                yield result
