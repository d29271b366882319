"""Whether the loss starts where a network that knows nothing must be, and what L2 adds."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.network import SVM
from cnn_tui.engine.training.checks.bench import Bench, CheckResult
from cnn_tui.engine.training.rules.start import LEAST_STD, MOST_MEAN, MOST_STD

PIXELS = 2_000_000
UNEVEN = 5.0
"""Times as many images of the commonest class as of the rarest, from which on it shows."""


def input_scale(bench: Bench) -> CheckResult:
    """Mean about 0, deviation about 1. Notes, Setting up the data."""
    images, _ = bench.batch(max(8, PIXELS // math.prod(bench.network.input)))
    # Plus nothing turns a zero with a minus sign into a plain one.
    mean, std = round(float(images.mean()), 3) + 0.0, float(images.std())
    passed = abs(mean) <= MOST_MEAN and LEAST_STD <= std <= MOST_STD
    figures = f"mean {mean:.3g}, deviation {std:.3g}"
    remedy = "" if bench.network.training.normalize else " Set normalize = true in the recipe."
    message = (
        f"The images reach the network with {figures}."
        if passed
        else f"The images reach the network with {figures}; about 0 and 1 would be right.{remedy}"
    )
    return CheckResult("input scale", passed, message, (f"{figures} over {len(images)} images",))


def class_balance(bench: Bench) -> CheckResult:
    """About as many training images of each class."""
    names = bench.dataset.classes
    counts = np.bincount(bench.dataset.train.labels, minlength=len(names))
    low, high = int(counts.argmin()), int(counts.argmax())
    least, most = int(counts[low]), int(counts[high])
    passed = least > 0 and most <= UNEVEN * least
    message = (
        f"Each of the {len(names)} classes has {least:,} to {most:,} training images."
        if passed
        else f"The classes are uneven: {names[high]!r} has {most:,} training images, "
        f"{names[low]!r} {least:,}. Accuracy will say little about the rare ones."
    )
    share = f"always answering {names[high]!r} would be right for {most / counts.sum():.1%}"
    return CheckResult("class balance", passed, message, (share,))


PROBE = 2e9
"""Multiply-adds of the batch that is looked at."""
MOST_IMAGES = 256
SMALL = 1e-4
"""What scores are multiplied by, so that all are about equal."""
NEAR = 0.02
SURE = 10.0
"""Times the loss of pure chance, from which on the first steps only mend the initial weights."""
TRIAL_L2 = 5e-4


def initial_loss(bench: Bench) -> CheckResult:
    """``ln C`` for softmax and ``(C - 1) * delta`` for SVM where scores are equal."""
    expected, formula = _expected(bench)
    _, work, words = bench.copy
    count = int(max(2, min(MOST_IMAGES, PROBE // work)))
    images, targets = bench.batch(count)
    model = bench.model
    began = bench.clock()
    scores = model.forward(images, training=True)
    bench.seconds_per_work = (bench.clock() - began) / (len(images) * work)
    real, equal = (model.loss_of(factor * scores, targets) for factor in (1, SMALL))
    evidence = (
        f"{equal:.4g} with equal scores, {real:.4g} with the initial ones",
        f"over {len(images)} images{words}",
    )
    if not abs(equal - expected) <= NEAR * expected:
        message = f"With equal scores the loss is {equal:.4g}, not {formula} = {expected:.4g}."
        return CheckResult("initial loss", False, message, evidence)
    if not real <= SURE * expected:
        message = (
            f"The loss begins at {real:.4g}, far above {formula} = {expected:.4g}: the initial "
            "weights or the images are too large."
        )
        return CheckResult("initial loss", False, message, evidence)
    message = f"With equal scores the loss is {equal:.4g}, as it must be: {formula}."
    return CheckResult("initial loss", True, message, evidence)


def l2_loss(bench: Bench) -> CheckResult:
    """L2 adds ``l2/2 * sum(w**2)`` over the weights of conv and fc layers."""
    l2 = bench.network.training.l2
    strength = l2 or TRIAL_L2
    # Without state: what is measured is L2, not the recipe's optimizer.
    recipe = msgspec.structs.replace(bench.network.training, optimizer="sgd", l2=strength)
    added = build_optimizer(recipe, bench.model).step(0.0)
    squares = sum(
        float(np.square(parameter.data, dtype=np.float64).sum())
        for parameter in bench.model.parameters.values()
        if parameter.decay
    )
    expected = strength / 2 * squares
    passed = math.isclose(added, expected, rel_tol=1e-3) and (added > 0) == (squares > 0)
    which = f"L2 of {l2:g}" if l2 else f"The recipe has no L2; one of {TRIAL_L2:g}"
    message = f"{which} raises the loss by {added:.3g}."
    if not passed:
        message = f"{which} raises the loss by {added:.3g}, not by {expected:.3g}."
    evidence = (f"sum of squared weights {squares:.4g}{bench.copy[2]}",)
    return CheckResult("L2", passed, message, evidence)


def _expected(bench: Bench) -> tuple[float, str]:
    classes, loss = len(bench.dataset.classes), bench.network.loss
    if isinstance(loss, SVM):
        power = 2 if loss.squared else 1
        square = " squared" if loss.squared else ""
        return (classes - 1) * loss.delta**power, f"{classes - 1} x margin {loss.delta:g}{square}"
    return math.log(classes), f"ln {classes}"
