"""Confidence compared with accuracy: the figures of Guo et al. 2017, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.engine.insight.calibration import calibration


def logs(confidence: np.ndarray, classes: int = 3) -> np.ndarray:
    """The first class has this probability, the others share the rest."""
    rest = (1 - confidence) / (classes - 1)
    shares = np.repeat(rest[:, None], classes, 1)
    shares[:, 0] = confidence
    return np.log(shares)


def test_a_network_that_is_right_as_often_as_it_says() -> None:
    targets = np.array([0] * 80 + [1] * 20)
    found = calibration(logs(np.full(100, 0.8)), targets)
    assert found.ece == pytest.approx(0) and found.mce == pytest.approx(0)
    (part,) = found.bins
    assert (part.images, part.accuracy) == (100, 0.8) and part.low < 0.8 <= part.high


def test_two_bins_by_hand() -> None:
    confidence = np.array([0.95] * 30 + [0.55] * 10)
    targets = np.array([0] * 15 + [1] * 15 + [0] * 10)
    found = calibration(logs(confidence), targets, bins=10)
    assert [(part.low, part.images) for part in found.bins] == [(0.5, 10), (0.9, 30)]
    assert found.ece == pytest.approx((30 * 0.45 + 10 * 0.45) / 40)
    assert found.mce == pytest.approx(0.45)
    assert found.confidence == pytest.approx((30 * 0.95 + 10 * 0.55) / 40)


@given(st.integers(1, 200), st.integers(2, 6), st.integers(1, 20), st.integers(0, 99))
def test_every_image_is_in_a_bin_that_holds_its_confidence(
    n: int, classes: int, bins: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((n, classes)) * rng.uniform(0, 50)
    scores -= scores.max(1, keepdims=True)
    log_probabilities = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    found = calibration(log_probabilities, rng.integers(0, classes, n), bins)
    assert sum(part.images for part in found.bins) == n
    assert 0 <= found.ece <= found.mce <= 1
    for part in found.bins:
        assert part.low - 1e-9 <= part.confidence <= part.high + 1e-9
