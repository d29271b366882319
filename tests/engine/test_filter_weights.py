"""Measures of filters by their weights: formulas written out, and cases with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from cnn_tui.engine.insight.judging import groups_of
from cnn_tui.engine.insight.verdict import verdict
from cnn_tui.engine.insight.weights import (
    cosines,
    effective_rank,
    expected_roughness,
    roughness,
    roughness_spread,
)

RNG = np.random.default_rng(0)


def naive_roughness(one: np.ndarray) -> float:
    """Of one filter ``(C, KH, KW)``, neighbour by neighbour."""
    one = one / np.sqrt(np.square(one).sum())
    total = 0.0
    for channel in one:
        for y in range(channel.shape[0]):
            for x in range(channel.shape[1]):
                total += (channel[y, x] - channel[y - 1, x]) ** 2 if y else 0
                total += (channel[y, x] - channel[y, x - 1]) ** 2 if x else 0
    return total


@pytest.mark.parametrize("shape", [(4, 1, 3, 3), (3, 2, 5, 5), (2, 3, 3, 5), (2, 1, 1, 7)])
def test_roughness_is_that_of_the_definition(shape: tuple[int, ...]) -> None:
    weight = RNG.standard_normal(shape)
    expected = [naive_roughness(one) / expected_roughness(shape[2:]) for one in weight]
    np.testing.assert_allclose(roughness(weight), expected, rtol=1e-12)


@pytest.mark.parametrize("draw", ["standard_normal", "laplace", "random"])
@pytest.mark.parametrize("kernel", [(3, 3), (5, 5), (11, 11), (3, 7)])
def test_white_noise_has_roughness_1_whatever_its_distribution(
    draw: str, kernel: tuple[int, int]
) -> None:
    shape = (4000, 2, *kernel)
    values = RNG.laplace(size=shape) if draw == "laplace" else getattr(RNG, draw)(size=shape)
    ratios = roughness(values - values.mean())
    spread = roughness_spread(values)
    # Of 4,000 filters the mean scatters by a 63rd of one; a twentieth allows for the mean's bias
    # of distributions with long tails.
    assert abs(ratios.mean() - 1) < max(3 * spread / 63, 0.01)
    assert 0.8 < ratios.std() / spread < 1.3


def test_the_square_case_is_the_formula_of_the_literature() -> None:
    assert [expected_roughness((k, k)) for k in (3, 5)] == pytest.approx([8 / 3, 3.2])


def test_a_flat_filter_is_smooth_and_a_chequered_one_rougher_than_noise() -> None:
    flat, chequered = np.ones((3, 3)), np.indices((3, 3)).sum(0) % 2 * 2.0 - 1
    smooth, rough = roughness(np.stack([flat, chequered])[:, None])
    assert smooth == 0 and rough > 1.8


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (2, 3, 2, 2), (2, 3, 1, 2)])
def test_kernels_without_space_have_no_roughness(shape: tuple[int, ...]) -> None:
    assert np.isnan(roughness(RNG.standard_normal(shape))).all()


def test_a_filter_of_zeros_has_none_either() -> None:
    weight = RNG.standard_normal((3, 2, 3, 3))
    weight[1] = 0
    assert np.isnan(roughness(weight)).tolist() == [False, True, False]


@pytest.mark.parametrize("factor", [1e-30, 1, 1e30])
def test_cosines_do_not_depend_on_scale(factor: float) -> None:
    weight = RNG.standard_normal((3, 2, 3, 3)).astype(np.float32)
    scaled = weight.copy()
    scaled[1] *= np.float32(factor)
    np.testing.assert_allclose(cosines(scaled), cosines(weight), atol=1e-6)
    assert cosines(weight)[0, 1] == pytest.approx(
        np.corrcoef(weight[0].ravel(), weight[1].ravel())[0, 1], abs=0.2
    )


def test_the_cosine_with_a_filter_of_zeros_is_0() -> None:
    weight = RNG.standard_normal((2, 1, 3, 3))
    weight[1] = 0
    assert cosines(weight)[0, 1] == cosines(weight)[1, 1] == 0


def test_effective_rank_of_known_matrices() -> None:
    eye = np.eye(4, 9).reshape(4, 1, 3, 3)
    assert effective_rank(eye) == pytest.approx(4)
    assert effective_rank(np.repeat(eye[:1], 4, axis=0)) == pytest.approx(1)
    assert effective_rank(np.concatenate([eye, eye])) == pytest.approx(4)
    assert effective_rank(np.zeros((4, 1, 3, 3))) == 0
    # Singular values 3 and 1: shares of 3/4 and 1/4.
    two = np.diag([3.0, 1.0]).reshape(2, 2, 1, 1)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert effective_rank(two) == pytest.approx(np.exp(entropy))


def test_filters_of_different_groups_share_no_dimension() -> None:
    weight = RNG.standard_normal((4, 2, 3, 3))
    full = np.zeros((4, 4, 3, 3))
    full[:2, :2], full[2:, 2:] = weight[:2], weight[2:]
    assert effective_rank(weight, groups=2) == pytest.approx(effective_rank(full))


def test_in_a_group_every_pair_belongs_together() -> None:
    together = np.eye(5, dtype=bool)
    for a, b in ((0, 1), (1, 2), (3, 4)):
        together[a, b] = together[b, a] = True
    closeness = np.eye(5)
    closeness[1, 2] = closeness[2, 1] = 0.99
    closeness[0, 1] = closeness[1, 0] = 0.96
    # 0 and 2 do not belong together, so 1 is with the one that is closer.
    assert groups_of(together, closeness) == ((1, 2), (3, 4))
    together[0, 2] = together[2, 0] = True
    assert groups_of(together, closeness) == ((0, 1, 2), (3, 4))


def test_verdicts_in_words() -> None:
    assert verdict(24, (1, 2, 3), [(4, 5, 6, 7, 8, 9, 10)], ()) == (
        15,
        "24 filters, about 15 distinct: 6 copies, 3 dead",
    )
    assert verdict(6, (), (), ()) == (6, "6 filters, all distinct")
    assert verdict(6, (), [(0, 1)], (2, 3))[1] == (
        "6 filters, about 5 distinct: 1 copy, 2 like noise"
    )
    assert verdict(1, (0,), (), ())[1] == "1 filter, about 0 distinct: 1 dead"
