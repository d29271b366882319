"""Checks of learning: do gradients agree, and can the network memorise a few images?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import msgspec
import numpy as np

from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.checks.bench import Bench, CheckResult, count_parameters
from cnn_tui.engine.training.checks.gradcheck import TOLERANCE, check_gradients

IMAGES, ENTRIES = 4, 3
"""Images of a gradient check, and weights of each parameter."""
SLOPES = 3 * 2.5
"""Cost of checking a weight in float64, in forward passes."""
SAMPLES = (20, 4)
"""Images to memorise, and their number if time is short."""
LIKELY = 60 * 3
"""Usual cost of memorising in forward passes: 60 steps of three each."""
GRADIENT_SHARE, OVERFIT_SHARE = 0.3, 0.5
"""Shares of the time budget."""


def gradients(bench: Bench) -> CheckResult:
    """Check that analytic and numerical gradients of this network agree."""
    network, entries, note = _gradient_plan(bench)
    images, targets = bench.batch(IMAGES)
    checked = check_gradients(
        network,
        images,
        targets,
        entries=entries,
        threads=bench.threads,
        stopping=bench.within(GRADIENT_SHARE),
    )
    done = f"{checked.entries} weights of {checked.parameters} parameters{note}"
    evidence = (done, f"worst relative error {checked.error:.1e}, in {checked.parameter}")
    if not checked.entries:
        return CheckResult("gradients", None, "There was no time to check gradients.", (done,))
    if checked.error > TOLERANCE:
        message = (
            f"The gradient of {checked.parameter} is wrong: its relative difference from the slope "
            f"of the loss is {checked.error:.1e}."
        )
        return CheckResult("gradients", False, message, evidence)
    cut = "" if checked.complete else "; there was no time for more"
    # Rounding is subtracted from the error, which often leaves nothing.
    agreement = f"to {checked.error:.0e}" if checked.error else "within rounding"
    message = f"Gradients agree with the slope of the loss {agreement}{note}{cut}."
    return CheckResult("gradients", True, message, evidence)


def overfit(bench: Bench) -> CheckResult:
    """Check that a few images can be memorised, which fails if nothing can be learned."""
    network, samples, note = _overfit_plan(bench)
    images, targets = bench.batch(samples)
    stopping = bench.within(1)  # the last check may use all remaining time
    trial = try_to_overfit(network, images, targets, threads=bench.threads, stopping=stopping)
    what = f"{trial.images} images{note}"
    evidence = (f"{trial.right} of {what} right after {trial.steps} steps, loss {trial.loss:.3g}",)
    if trial.learned:
        message = f"{what} were memorised in {trial.steps} steps."
        return CheckResult("overfit a few", True, message, evidence)
    if not trial.complete:
        message = f"There was no time to memorise {what}: so far {trial.right} are right."
        return CheckResult("overfit a few", None, message, evidence)
    again = try_to_overfit(
        reliably(network), images, targets, threads=bench.threads, stopping=stopping
    )
    return CheckResult("overfit a few", False, _blame(trial, again, what), evidence)


def _blame(trial: OverfitResult, again: OverfitResult, what: str) -> str:
    failed = f"Only {trial.right} of {what} were memorised in {trial.steps} steps"
    if again.learned:
        return (
            f"{failed}; Adam (lr 0.001) memorised all: change the learning rate or the initializer."
        )
    if again.complete:
        return f"{failed}, and Adam (lr 0.001) fails too: change the network or check the images."
    return f"{failed}."


def _gradient_plan(bench: Bench) -> tuple[Network, int, str]:
    """The largest check that fits in the time: network, entries per parameter and note."""
    time = GRADIENT_SHARE * bench.seconds
    plan = (bench.network, 1, "")
    for copy, work, note in bench.copies():
        once = bench.seconds_per_work * work * IMAGES * SLOPES * count_parameters(copy)
        for entries in (ENTRIES, 1):
            plan = (copy, entries, note)
            if once * entries <= time:
                return plan
    return plan


def _overfit_plan(bench: Bench) -> tuple[Network, int, str]:
    time = OVERFIT_SHARE * bench.seconds
    plan = (bench.network, SAMPLES[-1], "")
    for copy, work, note in bench.copies():
        for count in SAMPLES:
            samples = min(count, len(bench.dataset.train))
            plan = (copy, samples, note)
            if bench.seconds_per_work * work * samples * LIKELY <= time:
                return plan
    return plan


STEPS = 300
WARM_UP = 20
"""Steps of a linear warm-up."""
RELIABLE = Recipe(optimizer="adam", lr=1e-3)
"""A recipe that memorises nearly anything that can be learned."""


@dataclass(frozen=True)
class OverfitResult:
    """The result of training on a few images."""

    steps: int
    right: int
    images: int
    loss: float
    complete: bool
    """Whether training ended by success or after all steps, not for lack of time."""

    @property
    def learned(self) -> bool:
        """Whether every image was classified correctly."""
        return self.right == self.images


def try_to_overfit(
    network: Network,
    images: Array,
    targets: np.ndarray,
    *,
    threads: int = 1,
    stopping: Callable[[], bool] = lambda: False,
) -> OverfitResult:
    """Train on one batch until every image is right, without L2, dropout and weight decay."""
    recipe = msgspec.structs.replace(network.training, l2=0.0, weight_decay=0.0)
    right, loss, step = 0, float("inf"), 0
    with closing(make_engine(network, threads=threads)) as model:
        model.mode.dropout = 0.0
        optimizer = model.optimizer(recipe)
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
    """The network with the optimizer of :data:`RELIABLE`, the initializer he and no clipping."""
    optimizer, lr = RELIABLE.optimizer, RELIABLE.lr
    return network.with_training(optimizer=optimizer, lr=lr, initializer="he", clip_norm=None)
