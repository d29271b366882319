"""Curves of any length stay small and keep their peaks."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.tui.dashboard.series import Series, Smooth

finite = st.floats(min_value=-1e6, max_value=1e6)


def filled(values: list[float], capacity: int = 32) -> Series:
    series = Series(capacity)
    for x, y in enumerate(values):
        series.add(float(x), y)
    return series


@given(st.lists(finite, min_size=1, max_size=2000))
def test_a_series_is_bounded_and_keeps_its_extremes_and_its_end(values: list[float]) -> None:
    points = filled(values).points()
    assert len(points) <= 32 + 3
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert min(y for _, y in points) == min(values)
    assert max(y for _, y in points) == max(values)
    assert points[-1] == (len(values) - 1.0, values[-1])


def test_a_single_spike_in_a_million_points_is_still_there() -> None:
    series = Series()
    for step in range(1_000_000):
        series.add(float(step), 100.0 if step == 654_321 else 1.0)
    assert (654_321.0, 100.0) in series.points()
    assert len(series.points()) < 3000


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    series = filled([1.0, math.nan, math.inf, 2.0])
    assert series.points()[0] == (0.0, 1.0)
    assert series.points()[-1] == (3.0, 2.0)
    assert series.not_finite == 2


def test_no_point_at_all() -> None:
    assert Series().points() == ()


def test_a_running_mean_follows_slowly_and_ignores_nan() -> None:
    smooth = Smooth(memory=1.0)
    for step, y in enumerate([0.0, 1.0, math.nan, 1.0]):
        smooth.add(step * 0.1, y)
    values = [y for _, y in smooth.points()]
    assert values[0] == 0.0
    assert 0.0 < values[1] < values[-1] < 0.5
    assert all(map(math.isfinite, values))
