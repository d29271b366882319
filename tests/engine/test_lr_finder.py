"""The learning-rate finder: its curve, its end and what it suggests."""

from __future__ import annotations

import itertools
import math
import threading
from typing import Any

import pytest
from sabotage import alerts, digits, recipe, trained, with_shuffled_labels, with_train

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.events import EpochCompleted
from cnn_tui.engine.training.lr_finder import LrPoint, find_lr, read_curve, sweep


def test_rates_rise_evenly_in_log_until_the_loss_has_left() -> None:
    curve = find_lr(recipe("two-layer"), digits(), steps=80, low=1e-4, high=100.0)
    rates = [point.lr for point in curve.points]
    ratios = [b / a for a, b in itertools.pairwise(rates)]
    assert rates[0] == 1e-4 and ratios == pytest.approx([10 ** (6 / 79)] * len(ratios))
    assert [point.step for point in curve.points] == list(range(1, len(rates) + 1))
    assert curve.diverged and len(rates) < 80
    lowest = min(point.smooth for point in curve.points)
    assert curve.points[-1].smooth > 2 * lowest


def test_a_range_that_ends_before_the_loss_leaves_is_used_to_its_end() -> None:
    curve = find_lr(recipe("two-layer"), digits(), steps=30, low=1e-4, high=1e-2)
    assert not curve.diverged and len(curve.points) == 30
    assert curve.points[-1].lr == pytest.approx(1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits-convnet", "three-layer", "two-layer", "svm-linear"])
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_suggested_trains_well(name: str, seed: int) -> None:
    curve = find_lr(recipe(name, seed=seed), digits())
    lowest = min(point.smooth for point in curve.points)
    assert curve.lr is not None and f"lowest, {lowest:.3g}" in curve.reason

    preset = load_preset(name).training.lr
    assert preset / 20 < curve.lr < preset * 4
    events = trained(recipe(name, seed=seed, lr=curve.lr, schedule="constant", epochs=6), digits())
    last = [event for event in events if isinstance(event, EpochCompleted)][-1]
    assert last.val_accuracy > 0.9
    assert {alert.severity for alert in alerts(events)} == {"praise"}


def test_the_same_seed_gives_the_same_curve_for_any_threads() -> None:
    net = recipe("digits-convnet")
    assert find_lr(net, digits(), steps=30) == find_lr(net, digits(), steps=30, threads=3)


def test_it_can_be_cancelled_and_keeps_what_it_has() -> None:
    seen: list[LrPoint] = []
    curve = find_lr(
        recipe("two-layer"), digits(), stopping=lambda: len(seen) >= 40, report=seen.append
    )
    assert curve.points == tuple(seen) and len(seen) == 40
    at_once = find_lr(recipe("two-layer"), digits(), stopping=lambda: True)
    assert (len(at_once.points), at_once.lr) == (1, None)


def test_closing_the_sweep_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    sweeping = sweep(recipe("two-layer"), digits(), threads=3)
    assert [next(sweeping).step for _ in range(3)] == [1, 2, 3]
    sweeping.close()
    assert set(threading.enumerate()) <= before


def test_it_goes_on_over_the_end_of_an_epoch() -> None:
    """Eight batches an epoch and forty steps."""
    curve = find_lr(recipe("two-layer", batch_size=160), digits(), steps=40)
    assert len(curve.points) > 16


@pytest.mark.parametrize("changes", [{"initializer": "zeros"}, {"labels": True}])
def test_no_rate_is_suggested_where_none_helps(changes: dict[str, Any]) -> None:
    data = with_train(with_shuffled_labels) if changes.pop("labels", False) else digits()
    curve = find_lr(recipe("digits-convnet", **changes), data)
    assert curve.lr is None or curve.lr < 1e-2
    if curve.lr is None:
        assert "does not fall" in curve.reason


def test_network_and_data_must_fit() -> None:
    with pytest.raises(ShapeError):
        find_lr(load_preset("lenet5"), digits())


def made(losses: list[float]) -> list[LrPoint]:
    return [LrPoint(i + 1, 10 ** (i / 10 - 5), loss, loss) for i, loss in enumerate(losses)]


def test_the_suggestion_keeps_away_from_the_lowest_point() -> None:
    """The fall is steepest right before the bottom: a quarter of the rate there is taken."""
    points = made([2.3] * 40 + [2.2, 2.1, 1.5, 1.0, 0.8, 0.9, 3.0, 9.0])
    curve = read_curve(points)
    assert curve.lr == pytest.approx(points[44].lr / 4, rel=0.2)


def test_a_fall_from_far_above_chance_does_not_mislead() -> None:
    """It takes off 5 of 7.3 at rates at which nothing is learned, then halves the rest twice."""
    early = [7.3 - 0.25 * i for i in range(20)]
    points = made([*early, *[2.3] * 10, 1.7, 1.2, 0.8, 0.55, 0.4, 0.3, 0.25, *[0.24] * 12, 5.0])
    curve = read_curve(points)
    assert curve.lr is not None and points[29].lr < curve.lr < points[37].lr


@pytest.mark.parametrize("losses", [[], [2.3], [2.3] * 50, [2.3 + i / 50 for i in range(50)]])
def test_curves_that_tell_nothing(losses: list[float]) -> None:
    assert read_curve(made(losses)).lr is None


def test_a_loss_of_zero_is_a_loss() -> None:
    points = made([2.0] * 20 + [1.0, 0.5, 0.1, *[0.0] * 20])
    lr = read_curve(points).lr
    assert lr is not None and math.isfinite(lr)
