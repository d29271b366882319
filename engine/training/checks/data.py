"""Whether the images are fit to be learned from."""

from __future__ import annotations

import math

import numpy as np

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
