"""Losses and their gradients, with the scores as a parameter."""

from __future__ import annotations

import math

import naive_losses
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike
from samples import network, random_targets

from cnn_tui.engine.build import build
from cnn_tui.engine.model import Model
from cnn_tui.engine.protocol import BatchResult
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import SVM, Loss, Softmax


class Scores:
    """A model whose scores are its only parameter: image ``n`` is the ``n``-th unit vector."""

    def __init__(self, scores: np.ndarray, loss: Loss, dtype: DTypeLike = np.float64) -> None:
        batch, classes = scores.shape
        layer = FC(out_features=classes, bias=False, name="scores")
        self.model: Model = build(network((batch, 1, 1), layer, loss=loss), dtype=dtype)
        self.model.parameters["scores.weight"].data[...] = scores.T
        self.ones = np.eye(batch, dtype=dtype).reshape(batch, batch, 1, 1)

    def train(self, targets: np.ndarray, *weighting: np.ndarray) -> BatchResult:
        return self.model.train_batch(self.ones, targets, *weighting)

    @property
    def gradient(self) -> np.ndarray:
        return self.model.parameters["scores.weight"].grad.T


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def expected_loss(scores: np.ndarray, targets: np.ndarray, loss: Loss) -> float:
    if isinstance(loss, SVM):
        return naive_losses.svm_loss(scores, targets, loss.delta, loss.squared)
    return naive_losses.softmax_loss(scores, targets, loss.label_smoothing)


LOSSES = st.one_of(
    st.builds(Softmax, label_smoothing=st.sampled_from([0.0, 0.1, 0.9])),
    st.builds(SVM, delta=st.sampled_from([0.1, 1.0, 10.0]), squared=st.booleans()),
)


@settings(max_examples=120)
@given(st.integers(1, 40), st.integers(2, 12), LOSSES, st.sampled_from([0.0, 1e-3, 1.0, 30.0, 1e4]))
def test_loss_is_that_of_a_loop(batch: int, classes: int, loss: Loss, size: float) -> None:
    scores = size * np.random.default_rng(batch).standard_normal((batch, classes))
    targets = random_targets(classes, batch)
    sample = Scores(scores, loss)
    expected = expected_loss(scores, targets, loss)
    result = sample.train(targets)
    assert result.loss == pytest.approx(expected, rel=1e-12)
    assert sample.model.loss_of(scores, targets) == pytest.approx(expected, rel=1e-12)
    assert result.correct == sum(
        int(row.argmax()) == target for row, target in zip(scores, targets, strict=True)
    )


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(2, 12), st.sampled_from([0.0, 0.1, 0.5]))
def test_softmax_gradient_is_probability_less_target(
    batch: int, classes: int, smoothing: float
) -> None:
    scores = np.random.default_rng(classes).standard_normal((batch, classes))
    targets = random_targets(classes, batch)
    sample = Scores(scores, Softmax(label_smoothing=smoothing))
    sample.train(targets)
    wanted = (1 - smoothing) * np.eye(classes)[targets] + smoothing / classes
    np.testing.assert_allclose(
        sample.gradient, (softmax(scores) - wanted) / batch, rtol=1e-11, atol=1e-14
    )


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(2, 12), st.booleans())
def test_svm_gradient_counts_the_margins_that_are_missed(
    batch: int, classes: int, squared: bool
) -> None:
    scores = 2 * np.random.default_rng(batch).standard_normal((batch, classes))
    targets = random_targets(classes, batch)
    sample = Scores(scores, SVM(squared=squared))
    sample.train(targets)
    expected = np.zeros_like(scores)
    for n, target in enumerate(targets):
        for k in set(range(classes)) - {target}:
            margin = scores[n, k] - scores[n, target] + 1
            share = (2 * margin if squared else 1) * (margin > 0) / batch
            expected[n, k] += share
            expected[n, target] -= share
    np.testing.assert_allclose(sample.gradient, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_at_equal_scores_the_loss_is_the_one_of_the_notes(classes: int) -> None:
    scores, targets = np.zeros((6, classes)), random_targets(classes, 6)
    assert Scores(scores, Softmax()).train(targets).loss == pytest.approx(math.log(classes))
    assert Scores(scores, SVM()).train(targets).loss == pytest.approx(classes - 1)
    assert Scores(scores, SVM(delta=3)).train(targets).loss == pytest.approx(3 * (classes - 1))
    squared = SVM(delta=3, squared=True)
    assert Scores(scores, squared).train(targets).loss == pytest.approx(9 * (classes - 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_softmax_of_huge_scores_neither_overflows_nor_vanishes(
    dtype: DTypeLike, smoothing: float
) -> None:
    scores = np.array([[1e4, 0, -1e4], [-1e4, 1e4, 0], [-3e4, -3e4, -3e4]])
    targets = np.array([0, 0, 1])
    sample = Scores(scores, Softmax(label_smoothing=smoothing), dtype)
    expected = naive_losses.softmax_loss(scores, targets, smoothing)
    assert sample.train(targets).loss == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(sample.gradient).all()


def test_margin_that_is_kept_costs_nothing() -> None:
    scores = np.array([[3.0, 1.5, 0.0], [0.0, 5.0, 1.0]])
    sample = Scores(scores, SVM())
    assert sample.train(np.array([0, 1])).loss == 0
    assert not sample.gradient.any()


@pytest.mark.parametrize("loss", [Softmax(), SVM(), SVM(squared=True)], ids=str)
def test_order_of_the_batch_does_not_matter(loss: Loss) -> None:
    scores = np.random.default_rng(5).standard_normal((37, 7))
    targets = random_targets(7, 37)
    order = np.random.default_rng(6).permutation(37)
    one, other = Scores(scores, loss), Scores(scores[order], loss)
    result = one.train(targets)
    shuffled = other.train(targets[order])
    assert shuffled.loss == pytest.approx(result.loss, rel=1e-13)
    assert shuffled.correct == result.correct
    np.testing.assert_allclose(other.gradient, one.gradient[order], rtol=1e-13)


def test_gradient_norm_is_that_of_all_gradients() -> None:
    sample = Scores(np.random.default_rng(7).standard_normal((9, 4)), Softmax())
    result = sample.train(random_targets(4, 9))
    assert result.gradient_norm == pytest.approx(np.linalg.norm(sample.gradient), rel=1e-12)


@pytest.mark.parametrize("loss", [Softmax(), Softmax(label_smoothing=0.1), SVM()], ids=str)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_loss_of_scores_that_are_not_finite_is_not_finite_and_no_warning(
    loss: Loss, bad: float
) -> None:
    scores = np.array([[1.0, 2.0], [bad, bad]])
    model = Scores(np.zeros((2, 2)), loss).model
    assert not np.isfinite(model.loss_of(scores, np.array([0, 1])))


@settings(max_examples=60)
@given(st.integers(2, 30), st.integers(2, 8), LOSSES)
def test_weights_and_second_classes_are_sums_of_plain_losses(
    batch: int, classes: int, loss: Loss
) -> None:
    """Image by image, and with gradients that are the same sums."""
    rng = np.random.default_rng(batch)
    scores = rng.standard_normal((batch, classes))
    targets, others = random_targets(classes, batch), random_targets(classes, batch)[::-1].copy()
    weights, other_weights = rng.uniform(0, 3, (2, batch))

    def loss_of(each: np.ndarray) -> list[float]:
        pairs = zip(scores, each, strict=True)
        return [expected_loss(row[None], np.array([target]), loss) for row, target in pairs]

    first, second = np.array(loss_of(targets)), np.array(loss_of(others))
    model = Scores(scores, loss)
    found = model.train(targets, weights, others, other_weights)
    expected = float((weights * first + other_weights * second).mean())
    assert found.loss == pytest.approx(expected, rel=1e-9)
    blended = model.gradient.copy()
    model.train(targets)
    alone = model.gradient.copy()
    model.train(others)
    both = weights[:, None] * alone + other_weights[:, None] * model.gradient
    np.testing.assert_allclose(blended, both, atol=1e-12)
    assert model.train(targets, weights).loss == pytest.approx(float((weights * first).mean()))
    assert model.train(targets).loss == pytest.approx(float(first.mean())), "weights last one batch"
