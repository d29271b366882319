"""Whatever the numbers are, a chart comes out, of the size that was asked for."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.pictures import picture
from cnn_tui.tui.dashboard.plots import Curve, Plot
from cnn_tui.tui.dashboard.ticks import accuracy_axis, epochs_axis, log_axis, loss_axis, parts_of
from cnn_tui.tui.dashboard.viewport import Viewport
from cnn_tui.tui.widgets.chart import Canvas, rasterise
from cnn_tui.tui.widgets.grid import Grid

Points = tuple[tuple[float, float], ...]


def drawn(points: Points, *others: Points, width: int = 40, height: int = 11) -> list[str]:
    curves = (Curve(points), *(Curve(other, "o") for other in others))
    plot = Plot(curves, epochs_axis(10, 10, 6), loss_axis([2.0], parts_of(height - 2)))
    return texts(rasterise(plot, width, height))


def texts(canvas: Canvas) -> list[str]:
    return ["".join(text for text, _ in row) for row in canvas]


def braille(rows: list[str]) -> int:
    return sum(0x2800 < ord(char) <= 0x28FF for row in rows for char in row)


@pytest.mark.parametrize(
    "points",
    [
        (),
        ((1.0, 1.0),),
        ((1.0, math.nan), (2.0, math.inf), (3.0, -math.inf)),
        ((1.0, 1.0), (2.0, math.nan), (3.0, 1e300)),
        tuple((step / 1e4, math.sin(step / 1e3)) for step in range(100_000)),
    ],
    ids=["none", "one", "not finite", "huge", "many"],
)
def test_any_points_give_a_full_canvas(points: Points) -> None:
    rows = drawn(points)
    assert len(rows) == 11
    assert {len(row) for row in rows} == {40}


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats()), max_size=60),
    st.integers(20, 90),
    st.integers(5, 30),
)
def test_any_floats_in_any_size(points: list[tuple[float, float]], width: int, height: int) -> None:
    rows = drawn(tuple(sorted(points, key=lambda point: point[0])), width=width, height=height)
    assert len(rows) == height
    assert {len(row) for row in rows} == {width}


@given(st.lists(st.floats(0, 2), min_size=1, max_size=500), st.integers(10, 40))
def test_no_peak_is_lost_however_many_points_a_column_has(values: list[float], width: int) -> None:
    grid = Grid(width, 8, (0.0, float(len(values))), (0.0, 2.0))
    grid.line([(float(x), y) for x, y in enumerate(values)], 7)
    rows = (grid.chars > 0).any(axis=1).nonzero()[0]
    for value, row in ((min(values), rows.max()), (max(values), rows.min())):
        assert row == 7 - round(value / 2.0 * 31) // 4
    assert set(grid.numbers[grid.chars > 0]) == {7}


def test_a_spike_of_one_step_among_many_reaches_the_top() -> None:
    points = [(step / 1e4, 0.5) for step in range(100_000)]
    points[54_321] = (5.4321, 1.99)
    rows = drawn(tuple(points))
    assert braille(rows[:1]) == 1


def test_points_outside_and_points_that_are_not_finite_are_left_out() -> None:
    inside = drawn(((0.0, 2.0), (3.0, 1.0)))
    assert drawn(((-1.0, 1.0), (0.0, 2.0), (1.0, math.nan), (3.0, 1.0), (19.0, 2.0))) == inside


def test_one_point_is_seen() -> None:
    assert braille(drawn(((5.0, 1.0),))) == 1


def test_a_curve_is_drawn_from_end_to_end() -> None:
    rows = drawn(((0.0, 2.0), (10.0, 0.0)))
    assert braille([row[5:9] for row in rows]) > 0
    assert braille([row[-3:] for row in rows]) > 0


def test_the_first_curve_stays_visible_where_a_second_lies_on_it() -> None:
    line = tuple((float(x), 1.0) for x in range(11))
    plot = Plot((Curve(line), Curve(line, "o")), epochs_axis(10, 10, 6), loss_axis([2.0], 3))
    numbers = {number for row in rasterise(plot, 60, 10) for _, number in row}
    assert {0, 1} <= numbers
    assert any("o" in row for row in texts(rasterise(plot, 60, 10)))


def test_curves_of_equal_values_show_all_their_marks() -> None:
    line = ((1.0, 1.0), (5.0, 1.0), (10.0, 1.0))
    curves = tuple(Curve(line, glyph) for glyph in "@ox+#")
    canvas = rasterise(Plot(curves, epochs_axis(10, 10, 6), loss_axis([2.0], 3)), 60, 10)
    (row,) = (row for row in texts(canvas) if "@" in row)
    assert row.count("@ox+#") == 2, "the first keeps its place, the others stand beside it"
    assert row.endswith("#+xo@"), "at the right edge they stand on its other side"
    assert {0, 1, 2, 3, 4} <= {number for line in canvas for _, number in line}


@pytest.mark.parametrize(("width", "least"), [(80, 5), (200, 9), (30, 4)])
def test_names_of_equal_curves_stand_apart(width: int, least: int) -> None:
    line = ((0.0, 1.0), (5.0, 1.0), (10.0, 1.0))
    curves = tuple(Curve(line, glyph, names=True) for glyph in "@ox+#")
    canvas = rasterise(Plot(curves, epochs_axis(10, 10, 6), loss_axis([2.0], 3)), width, 10)
    (row,) = (row for row in texts(canvas) if "@" in row)
    places = [at for at, char in enumerate(row) if char in "@ox+#"]
    assert {row[at] for at in places} == set("@ox+#")
    assert min(after - before for before, after in pairwise(places)) >= least


def test_short_curves_are_named_at_their_ends() -> None:
    point = ((1.0, 1.0),)
    curves = tuple(Curve(point, glyph, names=True) for glyph in "@o")
    canvas = rasterise(Plot(curves, epochs_axis(10, 10, 6), loss_axis([2.0], 3)), 60, 10)
    assert sum(row.count("@o") for row in texts(canvas)) == 1


def test_values_above_the_axis_are_cut_at_its_edge() -> None:
    rows = drawn(((0.0, 50.0), (10.0, 50.0)))
    assert braille(rows[:1]) > 10
    assert braille(rows[1:]) == 0


def test_the_horizontal_axis_says_what_it_counts() -> None:
    assert drawn(())[-1].startswith("epoch")


def test_the_axes_are_round_and_hold_their_values() -> None:
    axis = loss_axis([0.3, 5.81], 3)
    assert (axis.low, axis.high, axis.labels) == (0.0, 6.0, ("    0", "    2", "    4", "    6"))
    assert epochs_axis(3, 10, 6).ticks == (0, 1, 2, 3, 4, 5)
    assert epochs_axis(6, 10, 6).ticks == (0, 2, 4, 6, 8, 10)
    assert accuracy_axis([0.55, 0.99], 3).low == 0.4
    assert log_axis([-1.3, 0.4], 3).labels == (" 0.01", "  0.1", "    1", "   10")
    assert log_axis([0.3, 33.7], 4).labels == ("    1", "1e+09", "1e+18", "1e+27", "1e+36")


def test_ticks_of_small_values_are_told_from_each_other() -> None:
    labels = [label.strip() for label in loss_axis([2e-4], 5).labels]
    assert labels == ["0", "4e-05", "8e-05", "1.2e-04", "1.6e-04", "2e-04"]
    assert [label.strip() for label in loss_axis([3e5], 2).labels] == ["0", "1.5e+05", "3e+05"]


def test_the_axis_of_a_long_run_doubles_instead_of_creeping() -> None:
    highs = {epochs_axis(reached, 1000, 6).high for reached in range(1, 1000)}
    assert highs == {1000 / 2**times for times in range(10)}


@given(st.lists(st.floats(0, 1e12), min_size=1))
def test_a_loss_axis_always_reaches_its_values(values: list[float]) -> None:
    axis = loss_axis(values, 3)
    assert axis.high >= max(values) * 0.999
    assert len(set(map(len, axis.labels))) == 1


@pytest.mark.parametrize("log", [False, True])
def test_a_board_without_events_has_no_plot_but_words(log: bool) -> None:
    assert picture("loss", Board(), 10, Viewport(log=log)).plot is None
    assert picture("accuracy", Board(), 10).note == "the curves appear here"
