"""The check that validation and test are like training, and not a part of it."""

from __future__ import annotations

import math

import numpy as np

from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.repeats import find_repeats
from cnn_tui.engine.data.statistics import is_scaled_otherwise
from cnn_tui.engine.training.checks.bench import Bench, CheckResult

MOST_BYTES = 1 << 30
"""Bytes of images that are compared with each other; more would take too long."""
MOST_SHARED = 0.01
"""Share of the images of a split that may also be in training."""
_SAMPLED = 2_000_000
"""Pixels on which a split is measured."""


def splits(bench: Bench) -> CheckResult:
    """Check the scale of validation and test, and whether their images are also in training."""
    wrong = [*_scaled(bench), *_shared(bench)]
    if wrong:
        return CheckResult("splits", False, " ".join(wrong))
    shared = "; no image is in two" if _is_small(bench) else ""
    return CheckResult("splits", True, f"All are scaled alike{shared}.")


def _scaled(bench: Bench) -> list[str]:
    """A sentence for each split whose pixels are scaled otherwise than those of training."""
    found = []
    train = _measured(bench, bench.dataset.train)
    for name, split in (("validation", bench.dataset.val), ("test", bench.dataset.test)):
        own = _measured(bench, split)
        if is_scaled_otherwise(*train, other=own, images=len(split)):
            found.append(
                f"The {name} images reach the network with mean {own[0]:.3g} and deviation "
                f"{own[1]:.3g}, training with {train[0]:.3g} and {train[1]:.3g}: their pixels are "
                "scaled otherwise."
            )
    return found


def _measured(bench: Bench, split: Split) -> tuple[float, float]:
    images = max(1, _SAMPLED // math.prod(bench.network.input))
    # Of all the split: classes are often stored one after the other.
    places = np.linspace(0, len(split) - 1, min(images, len(split))).astype(np.int64)
    pixels = bench.normalized(split.images[places])
    return float(pixels.mean()), float(pixels.std())


def _shared(bench: Bench) -> list[str]:
    """A sentence for each split of which many images are also in training."""
    if not _is_small(bench):
        return []
    data = bench.dataset
    repeats = find_repeats(data)
    found = (("validation", repeats.val, data.val), ("test", repeats.test, data.test))
    return [
        f"{count:,} of the {len(split):,} {name} images are also in training: they measure memory."
        for name, count, split in found
        if count > MOST_SHARED * len(split)
    ]


def _is_small(bench: Bench) -> bool:
    data = bench.dataset
    images = sum(map(len, (data.train, data.val, data.test)))
    pixel: int = data.train.images.dtype.itemsize
    return images * math.prod(bench.network.input) * pixel <= MOST_BYTES
