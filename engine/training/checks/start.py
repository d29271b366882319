"""Checks of the data and the first loss: scale, class balance, chance loss and L2."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from cnn_tui.engine.data.statistics import UNEVEN
from cnn_tui.engine.training.checks.bench import Bench, CheckResult
from cnn_tui.engine.training.rules.start import LEAST_STD, MOST_MEAN, MOST_STD

PIXELS = 2_000_000


def input_scale(bench: Bench) -> CheckResult:
    """Check that pixels have mean about 0 and deviation about 1. Notes, Setting up the data."""
    images, _ = bench.batch(max(8, PIXELS // math.prod(bench.network.input)))
    # Adding 0.0 turns -0.0 into 0.0.
    mean, std = round(float(images.mean()), 3) + 0.0, float(images.std())
    passed = abs(mean) <= MOST_MEAN and LEAST_STD <= std <= MOST_STD
    figures = f"mean {mean:.3g}, deviation {std:.3g}"
    remedy = "" if bench.network.training.normalize else " Set normalize = true in the recipe."
    message = (
        f"The images reach the network with {figures}."
        if passed
        else f"The images reach the network with {figures}, instead of about 0 and 1.{remedy}"
    )
    if images.shape[1] > 1 and (images == images[:, :1]).all():
        message += " All channels are equal: the images are grey, and one channel would do."
    evidence = (f"{figures} over {len(images)} images", *bench.dataset.notes)
    return CheckResult("input scale", passed, message, evidence)


def class_balance(bench: Bench) -> CheckResult:
    """Check that classes have similar numbers of training images."""
    names = bench.dataset.classes
    counts = np.bincount(bench.dataset.train.labels, minlength=len(names))
    low, high = int(counts.argmin()), int(counts.argmax())
    least, most = int(counts[low]), int(counts[high])
    even, balance = least > 0 and most <= UNEVEN * least, bench.network.training.balance
    passed = even or (least > 0 and balance != "natural")
    each = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    message = f"Each of the {len(names)} classes has {each} training images."
    if not even:
        message = (
            f"The classes are unbalanced: {names[high]!r} has {most:,} training images, "
            f"{names[low]!r} {least:,}. "
        )
        message += (
            f'balance = "{balance}" makes up for it.'
            if passed
            else "Accuracy will say little about the rare classes. Set balance in the recipe."
        )
    share = f"always predicting {names[high]!r} would be right for {most / counts.sum():.1%}"
    return CheckResult("class balance", passed, message, (share,))


PROBE = 2e9
"""Multiply-adds of the batch that is examined."""
MOST_IMAGES = 256
SMALL = 1e-4
"""Factor that makes all scores about equal."""
NEAR = 0.02
SURE = 10.0
"""Multiple of the chance loss above which the first steps only repair the initial weights."""
TRIAL_L2 = 5e-4


def initial_loss(bench: Bench) -> CheckResult:
    """Check the loss of equal scores: ``ln C`` for softmax, ``(C - 1) * delta`` for SVM."""
    expected, formula = bench.network.loss.at_equal_scores(len(bench.dataset.classes))
    _, work, note = bench.copy
    count = int(max(2, min(MOST_IMAGES, PROBE // work)))
    images, targets = bench.batch(count)
    model = bench.model
    began = bench.clock()
    scores = model.forward(images, training=True)
    bench.seconds_per_work = (bench.clock() - began) / (len(images) * work)
    real, equal = (model.loss_of(factor * scores, targets) for factor in (1, SMALL))
    evidence = (
        f"{equal:.4g} with equal scores, {real:.4g} with the initial ones",
        f"over {len(images)} images{note}",
    )
    if not abs(equal - expected) <= NEAR * expected:
        message = f"With equal scores the loss is {equal:.4g}, not {formula} = {expected:.4g}."
        return CheckResult("initial loss", False, message, evidence)
    if not real <= SURE * expected:
        message = (
            f"The loss starts at {real:.4g}, far above {formula} = {expected:.4g}: the initial "
            "weights or the images are too large."
        )
        return CheckResult("initial loss", False, message, evidence)
    message = f"With equal scores the loss is {equal:.4g}, as expected: {formula}."
    return CheckResult("initial loss", True, message, evidence)


def l2_loss(bench: Bench) -> CheckResult:
    """Check that L2 adds ``l2/2 * sum(w**2)`` over the weights of conv and fc layers."""
    l2 = bench.network.training.l2
    strength = l2 or TRIAL_L2
    # Plain SGD, because the check is of L2, not of the recipe's optimizer.
    recipe = msgspec.structs.replace(bench.network.training, optimizer="sgd", l2=strength)
    added = bench.model.optimizer(recipe).step(0.0)
    squares = sum(
        float(np.square(parameter.data, dtype=np.float64).sum())
        for parameter in bench.model.parameters.values()
        if parameter.decay
    )
    expected = strength / 2 * squares
    passed = math.isclose(added, expected, rel_tol=1e-3) and (added > 0) == (squares > 0)
    which = f"L2 of {l2:g}" if l2 else f"The recipe has no L2; a strength of {TRIAL_L2:g}"
    message = f"{which} raises the loss by {added:.3g}."
    if not passed:
        message = f"{which} raises the loss by {added:.3g}, not by {expected:.3g}."
    evidence = (f"sum of squared weights {squares:.4g}{bench.copy[2]}",)
    return CheckResult("L2", passed, message, evidence)
