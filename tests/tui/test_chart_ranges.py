"""What a chart of a run shows of its values, and what it says of the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import batch, run_events, started, validation

from cnn_tui.engine.training.events import RunEvent
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.pictures import VAL_GLYPH, picture, x_axis
from cnn_tui.tui.dashboard.plots import ChartPicture, Plot
from cnn_tui.tui.dashboard.ticks import accuracy_axis, log_axis, loss_axis, parts_of
from cnn_tui.tui.dashboard.viewport import Viewport
from cnn_tui.tui.widgets.chart import rasterise
from cnn_tui.tui.words import figure


def board_of(*events: RunEvent) -> Board:
    board = Board()
    for event in events:
        board.apply(event)
    return board


def losses(*values: float, val: float = 0.1) -> Board:
    count = len(values)
    steps = [batch(at, value, number=at) for at, value in enumerate(values, 1)]
    return board_of(started(1, count), *steps, validation(count, 1, val))


def plot_of(board: Board, lens: Viewport | None = None) -> Plot:
    plot = picture("loss", board, 9, lens or Viewport()).plot
    assert plot is not None
    return plot


def heading(shown: ChartPicture, width: int = 200) -> str:
    return "".join(text for text, _ in shown.title_in(width))


def test_first_values_are_cut_off_and_said() -> None:
    plot = plot_of(losses(*[50.0] * 5, *[0.4, 0.2] * 100), Viewport(smoothing=1))
    assert plot.y.high < 5
    assert next((mark.above, mark.text) for mark in plot.beyond) == (True, "50.00")
    assert "↑50" in "".join(text for text, _ in rasterise(plot, 40, 11)[0])


def test_a_spike_does_not_flatten_the_rest() -> None:
    values = [1.0 - at / 300 for at in range(200)]
    values[150] = 1e6
    plot = plot_of(losses(*values), Viewport(smoothing=0))
    assert plot.y.high <= 1.2
    assert plot.beyond[0].text == "1.0e+06"


def test_a_run_that_diverged_is_logarithmic_until_it_is_told_otherwise() -> None:
    board = losses(*(2.3 * 10**at for at in range(30)))
    shown = picture("loss", board, 9)
    assert "loss log" in heading(shown) and shown.plot and shown.plot.y.labels[-1] == "1e+31"
    assert "log" not in heading(picture("loss", board, 9, Viewport(log=False)))
    assert "log" not in heading(picture("loss", losses(2.0, 1.0, 0.5), 9))


def test_other_runs_do_not_change_the_axis() -> None:
    board = losses(*[0.5, 0.4] * 20)
    for kind in ("loss", "accuracy"):
        alone = picture(kind, board, 9).plot
        bad = board_of(*run_events(), batch(40, 6e33))
        beside = picture(kind, board, 9, Viewport(), {"bad": bad}).plot
        assert alone and beside and (alone.x, alone.y) == (beside.x, beside.y)


def test_accuracies_near_the_top_have_an_axis_of_their_own() -> None:
    board = losses(*[2.6 * 0.02] * 50, val=2.6 * 0.04)
    shown = picture("accuracy", board, 9)
    assert shown.plot and shown.plot.y.low >= 0.9
    low, high = (label.strip("% ") for label in (shown.plot.y.labels[0], shown.plot.y.labels[-1]))
    assert f"accuracy {low}-{high}%" in heading(shown)


@pytest.mark.parametrize("rows", range(5, 60))
def test_ticks_are_on_rows_of_the_same_distance(rows: int) -> None:
    parts, whole = parts_of(rows), parts_of(rows, thirds=False)
    assert whole != 3
    for y in (loss_axis([1.7], parts), accuracy_axis([0.4, 0.93], whole), log_axis([-3, 2], parts)):
        plot = replace(plot_of(losses(1.0, 0.5)), y=y)
        canvas = ["".join(text for text, _ in row) for row in rasterise(plot, 40, rows + 2)]
        at = [number for number, row in enumerate(canvas[:-2]) if "┤" in row]
        assert len(at) == len(y.ticks)
        assert len({below - above for above, below in pairwise(at)}) == 1
        assert at[0] <= 1 and at[-1] == rows - 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 5))
def test_an_accuracy_axis_holds_its_values(values: list[float], parts: int) -> None:
    axis = accuracy_axis(values, parts)
    assert -1e-9 <= axis.low <= min(values) + 1e-6 and max(values) - 1e-6 <= axis.high <= 1 + 1e-9
    assert len(axis.ticks) == parts + 1


def test_the_band_is_the_ground_and_validation_is_above_all() -> None:
    board = losses(*(1 + math.sin(7 * at) / 2 for at in range(200)), val=1.0)
    plot = plot_of(board)
    rows = rasterise(plot, 60, 11)
    assert any(number >= 999 for row in rows for _, number in row), "no tinted cell"
    marks = {number % 1000 for row in rows for text, number in row if VAL_GLYPH in text}
    assert 1 in marks
    poor = rasterise(plot, 60, 11, False)
    assert all(number < 999 for row in poor for _, number in row)
    assert any("·" in text for row in poor for text, _ in row)


def test_zoom_shows_the_newest_without_an_empty_future() -> None:
    board = board_of(*run_events(epochs=8)[:-60])
    reached = board.train_loss.points()[-1][0]
    for zoom in range(1, 5):
        axis = x_axis(board, Viewport(zoom=zoom))
        assert axis.low < reached <= axis.high
        assert axis.high - reached <= (axis.high - axis.low) / 8 + 1e-9


@pytest.mark.parametrize("width", range(30, 120, 4))
@pytest.mark.parametrize("value", [5.9e30, 0.0812, 123.4567, 1e-9])
def test_headings_keep_their_words(width: int, value: float) -> None:
    board = losses(value, value, val=value)
    title = heading(picture("loss", board, 9), width)
    assert len(title) <= width
    if width >= 38:
        assert "train" in title and "val o" in title
    assert "~0.1" in title or "mean of 0.1 epochs" in title or width < 42


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5913735336696336317314509045760.0, "5.9e+30"),
        (694158095181101.0, "6.9e+14"),
        (0.0812, "0.0812"),
        (12.3456, "12.35"),
        (1234.5, "1234"),
        (0.0, "0.0000"),
        (3e-7, "3.0e-07"),
        (math.inf, "inf"),
    ],
)
def test_numbers_have_as_many_digits_as_mean_something(value: float, text: str) -> None:
    assert figure(value) == text
