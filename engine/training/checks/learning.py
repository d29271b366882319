"""Whether gradients are right and whether anything can be learned by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import msgspec
import numpy as np

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import NonFiniteError
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.training.checks.bench import Bench, CheckResult, count_parameters
from cnn_tui.engine.training.checks.gradcheck import TOLERANCE, check_gradients

IMAGES, ENTRIES = 4, 3
"""Of a gradient check: images, and weights of each parameter."""
SLOPES = 3 * 2.5
"""Forward passes that one weight takes, in float64."""
SAMPLES = (20, 4)
"""Images to learn by heart, and how many where time is short."""
LIKELY = 60 * 3
"""Steps in which a few images are mostly learned, each as long as three forward passes."""
GRADIENT_SHARE, OVERFIT_SHARE = 0.3, 0.5
"""Of the time."""


def gradients(bench: Bench) -> CheckResult:
    """Analytic and numerical gradients of this very network agree."""
    network, entries, words = _gradient_plan(bench)
    images, targets = bench.batch(IMAGES)
    found = check_gradients(
        network,
        images,
        targets,
        entries=entries,
        threads=bench.threads,
        stopping=bench.within(GRADIENT_SHARE),
    )
    done = f"{found.entries} weights of {found.parameters} parameters{words}"
    evidence = (done, f"worst relative error {found.error:.1e}, in {found.parameter}")
    if not found.entries:
        return CheckResult("gradients", None, "There was no time to check gradients.", (done,))
    if found.error > TOLERANCE:
        message = (
            f"The gradient of {found.parameter} is wrong: it differs from the slope of the loss "
            f"by {found.error:.1e} of itself."
        )
        return CheckResult("gradients", False, message, evidence)
    cut = "" if found.complete else "; there was no time for more"
    message = f"Gradients agree with the slope of the loss to {found.error:.0e}: {done}{cut}."
    return CheckResult("gradients", True, message, evidence)


def overfit(bench: Bench) -> CheckResult:
    """A few images can be learned by heart, which tells of faults that leave nothing to learn."""
    network, samples, words = _overfit_plan(bench)
    images, targets = bench.batch(samples)
    stopping = bench.within(1)  # the last check may take what the others have left
    trial = try_to_overfit(network, images, targets, threads=bench.threads, stopping=stopping)
    what = f"{trial.images} images{words}"
    evidence = (f"{trial.right} of {what} right after {trial.steps} steps, loss {trial.loss:.3g}",)
    if trial.learned:
        message = f"After {trial.steps} steps {what} are known by heart."
        return CheckResult("overfit a few", True, message, evidence)
    if not trial.complete:
        message = f"There was no time to learn {what} by heart: so far {trial.right} are right."
        return CheckResult("overfit a few", None, message, evidence)
    again = try_to_overfit(
        reliably(network), images, targets, threads=bench.threads, stopping=stopping
    )
    return CheckResult("overfit a few", False, _blame(trial, again, what), evidence)


def _blame(trial: OverfitResult, again: OverfitResult, what: str) -> str:
    failed = f"After {trial.steps} steps only {trial.right} of {what} are known by heart"
    if again.learned:
        return f"{failed}; with Adam at 0.001 all are: learning rate or initializer do not suit."
    if again.complete:
        return f"{failed}, nor are they with Adam: network and images do not suit each other."
    return f"{failed}."


def _gradient_plan(bench: Bench) -> tuple[Network, int, str]:
    """The largest check that there is time for."""
    time = GRADIENT_SHARE * bench.seconds
    plan = (bench.network, 1, "")
    for copy, work, words in bench.copies():
        once = bench.seconds_per_work * work * IMAGES * SLOPES * count_parameters(copy)
        for entries in (ENTRIES, 1):
            plan = (copy, entries, words)
            if once * entries <= time:
                return plan
    return plan


def _overfit_plan(bench: Bench) -> tuple[Network, int, str]:
    time = OVERFIT_SHARE * bench.seconds
    plan = (bench.network, SAMPLES[-1], "")
    for copy, work, words in bench.copies():
        for samples in _samples(bench):
            plan = (copy, samples, words)
            if bench.seconds_per_work * work * samples * LIKELY <= time:
                return plan
    return plan


def _samples(bench: Bench) -> Iterator[int]:
    for samples in SAMPLES:
        yield min(samples, len(bench.dataset.train))


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
