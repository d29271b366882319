"""The learning rate of each step."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_tui.engine.schedules import learning_rate
from cnn_tui.engine.specs.network import Recipe

EPOCHS, BATCHES = 10, 7
NAMES = ("constant", "step", "exponential", "cosine", "one-cycle")


def rates(schedule: Any, **settings: Any) -> list[float]:
    """Of every step of a run whose peak rate is 2."""
    recipe = Recipe(schedule=schedule, lr=2.0, epochs=EPOCHS, **settings)
    return [learning_rate(recipe, step, BATCHES) for step in range(EPOCHS * BATCHES)]


def test_constant() -> None:
    assert set(rates("constant")) == {2.0}


def test_step_falls_every_few_epochs() -> None:
    found = rates("step", step_epochs=3.0, gamma=0.5)
    assert found == [2.0 * 0.5 ** (step // BATCHES // 3) for step in range(EPOCHS * BATCHES)]


def test_exponential_falls_every_epoch() -> None:
    found = rates("exponential", gamma=0.8)
    assert found == pytest.approx([2.0 * 0.8 ** (step // BATCHES) for step in range(70)])


def test_cosine_runs_from_the_peak_to_zero() -> None:
    found = rates("cosine")
    assert found[0] == 2.0
    assert found[-1] == pytest.approx(0, abs=1e-12)
    assert found == sorted(found, reverse=True)
    assert found[23] == pytest.approx(1 + math.cos(math.pi * 23 / 69))


def test_one_cycle_rises_to_the_peak_and_falls_to_almost_nothing() -> None:
    recipe = Recipe(schedule="one-cycle", lr=2.0, epochs=EPOCHS)
    found = [learning_rate(recipe, step, 30) for step in range(EPOCHS * 30)]
    top = found.index(max(found))
    assert found[0] == pytest.approx(2.0 / 25)
    assert max(found) == pytest.approx(2.0, rel=5e-3)
    assert top / len(found) == pytest.approx(0.3, abs=0.02)
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)
    assert found[-1] == pytest.approx(2e-4)


@pytest.mark.parametrize(("steps", "peak"), [(10, 1.0), (100, 1.0), (150, 1.5), (200, 2.0)])
def test_a_cycle_of_few_steps_has_a_lower_peak(steps: int, peak: float) -> None:
    """Driven up in 37 steps, a ConvNet of the presets may end at chance."""
    recipe = Recipe(schedule="one-cycle", lr=2.0, epochs=1)
    found = [learning_rate(recipe, step, steps) for step in range(steps)]
    assert peak * 0.9 < max(found) <= peak


@pytest.mark.parametrize("schedule", NAMES)
def test_warm_up_rises_in_a_line_and_then_is_over(schedule: str) -> None:
    plain, warm = rates(schedule), rates(schedule, warmup_epochs=2.0)
    ramp = 2 * BATCHES
    expected = [plain[step] * (step + 1) / ramp for step in range(ramp)]
    assert warm[:ramp] == pytest.approx(expected)
    assert warm[ramp:] == plain[ramp:]


def test_warm_up_may_end_within_an_epoch() -> None:
    warm = rates("constant", warmup_epochs=0.5)
    assert warm[:4] == pytest.approx([2 / 3.5, 4 / 3.5, 6 / 3.5, 2.0])


@settings(max_examples=200)
@given(
    st.builds(
        Recipe,
        schedule=st.sampled_from(NAMES),
        lr=st.floats(1e-6, 1e6),
        epochs=st.integers(1, 50),
        warmup_epochs=st.floats(0, 60),
        step_epochs=st.floats(1e-3, 100),
        gamma=st.floats(1e-3, 1),
    ),
    st.integers(1, 20),
    st.floats(0, 1),
)
def test_rate_is_never_negative_nor_above_the_peak(
    recipe: Recipe, batches: int, where: float
) -> None:
    step = round(where * (recipe.epochs * batches - 1))
    assert 0 <= learning_rate(recipe, step, batches) <= recipe.lr
