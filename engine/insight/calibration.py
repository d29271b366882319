"""Calibration: whether a network is right as often as its probabilities say.

Guo et al. 2017, *On Calibration of Modern Neural Networks*.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Intervals of equal width, as in the paper."""


class CalibrationBin(msgspec.Struct, frozen=True):
    """The images whose most likely class has a probability from ``low`` to ``high``."""

    low: float
    high: float
    images: int
    confidence: float
    """Mean probability of the most likely class."""
    accuracy: float
    """Share of these images that are classified right."""


class Calibration(msgspec.Struct, frozen=True):
    """The bins that have images, and their mean and largest gaps."""

    ece: float
    """Expected calibration error: the mean of ``|accuracy - confidence|`` over the images."""
    mce: float
    """The largest gap of a bin."""
    confidence: float
    """Mean probability of the most likely class; above the accuracy, the network is too sure."""
    bins: tuple[CalibrationBin, ...]


def calibration(
    log_probabilities: NDArray[np.float64], targets: NDArray[np.int64], bins: int = BINS
) -> Calibration:
    """Compare confidence and accuracy.

    Args:
        log_probabilities: ``(N, classes)``.
        targets: classes ``(N,)``.
        bins: number of intervals of the confidence from 0 to 1.
    """
    confidence = np.exp(log_probabilities.max(1))
    right = log_probabilities.argmax(1) == targets
    # The upper end belongs to an interval, so that a confidence of 1 is in the last one.
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = tuple(
        CalibrationBin(
            low=place / bins,
            high=(place + 1) / bins,
            images=int(np.count_nonzero(places == place)),
            confidence=float(confidence[places == place].mean()),
            accuracy=float(right[places == place].mean()),
        )
        for place in np.unique(places).tolist()
    )
    gaps = [abs(part.accuracy - part.confidence) for part in found]
    weighted = [gap * part.images for gap, part in zip(gaps, found, strict=True)]
    return Calibration(sum(weighted) / len(targets), max(gaps), float(confidence.mean()), found)
