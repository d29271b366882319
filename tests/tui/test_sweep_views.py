"""What the Sweeps screen makes of a sweep: rows, orders, filters, axes and pictures."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from sweeps_made import make_sweep

from cnn_tui.engine.sweeps.state import SweepState, read_sweep
from cnn_tui.tui.sweeps.listing import SweepList, sweep_rows
from cnn_tui.tui.sweeps.parallel import parallels
from cnn_tui.tui.sweeps.pictures import front_of
from cnn_tui.tui.sweeps.scales import FieldScale, scale_of, value_words
from cnn_tui.tui.sweeps.trials import (
    TrialTable,
    matches,
    orders_of,
    require_filter,
    short_names,
)
from cnn_tui.tui.sweeps.words import progress
from cnn_tui.tui.widgets.sweep_pane import SWEEP_VIEWS, Scene

NOW = datetime(2026, 1, 2, 13, tzinfo=UTC)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> SweepState:
    return read_sweep(make_sweep(tmp_path_factory.mktemp("runs")))


def words(lines: object) -> str:
    assert isinstance(lines, list | tuple)
    return "\n".join("".join(text for text, _ in line) for line in lines)


def test_the_best_trial_comes_first_and_has_a_mark(state: SweepState) -> None:
    _, rows = TrialTable().listing(state)
    assert state.best is not None
    assert rows[0].key == str(state.best.number)
    assert [row.cells[3].endswith("*") for row in rows].count(True) == 1
    bests = [float(row.cells[3].rstrip("* %")) for row in rows]
    assert bests == sorted(bests, reverse=True)


def test_every_order_shows_every_trial(state: SweepState) -> None:
    table = TrialTable()
    for table.order in orders_of(state):
        assert len(table.shown(state)) == len(state.trials)
    table.order = "lr"
    rates = [float(trial.values["lr"] or 0) for trial in table.shown(state)]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("pruned", lambda t: t.state == "pruned"),
        ("lr<0.01 finished", lambda t: t.values["lr"] < 0.01 and t.state == "finished"),
        ("optimizer=adam", lambda t: t.values["optimizer"] == "adam"),
        ("best>=90%", lambda t: t.best >= 0.9),
        ("conv1.out_channels>8", lambda t: t.values["conv1.out_channels"] > 8),
        ("worker-1", lambda t: t.number % 2),
        ("lr<much", lambda t: False),
        ("nonsense=1", lambda t: False),
    ],
)
def test_a_filter_keeps_what_it_says(state: SweepState, query: str, wanted: object) -> None:
    assert callable(wanted)
    kept = [trial.number for trial in state.trials if matches(state, trial, query)]
    assert kept == [trial.number for trial in state.trials if wanted(trial)]


@pytest.mark.parametrize(
    ("query", "trouble"),
    [
        ("pruned lr<", "a field, a sign and a value"),
        ("speed>3", "no field. There are best, epoch, params, lr"),
        ("lr<small", "a number after <"),
        ("best>=90% lr<1e-2 conv1.out_channels>8 optimizer=adam pruned", ""),
    ],
)
def test_a_comparison_that_cannot_hold_is_refused(
    state: SweepState, query: str, trouble: str
) -> None:
    with pytest.raises(ValueError, match=trouble) if trouble else nullcontext():
        require_filter(state, query)


def test_only_changed_rows_are_made_again(state: SweepState) -> None:
    table = TrialTable()
    _, before = table.listing(state)
    last = msgspec.structs.replace(state.trials[-1], worker="elsewhere")
    _, after = table.listing(msgspec.structs.replace(state, trials=(*state.trials[:-1], last)))
    changed = [a for a, b in zip(before, after, strict=True) if a is not b]
    assert [row.key for row in changed] == [str(last.number)]


def test_axes_know_logarithms_and_choices(state: SweepState) -> None:
    rate, optimizer = scale_of(state, "lr"), scale_of(state, "optimizer")
    assert rate.log and rate.at(rate.low) == 0 and rate.at(rate.high) == pytest.approx(1)
    assert rate.at((rate.low * rate.high) ** 0.5) == pytest.approx(0.5)
    assert set(optimizer.choices) == {"sgd", "adam", "rmsprop"}
    axis = rate.axis("lr", 5)
    assert {"0.001", "0.01", "0.1"} <= set(axis.labels)
    assert FieldScale(3, 3).at(3) == 0.5 and FieldScale(3, 3).axis("x", 4).labels == ("3",)
    assert FieldScale(choices=tuple(range(40))).axis("x", 4).labels == ("0", "10", "20", "30")
    assert [value_words(value) for value in (None, True, 1e-4, 16, "3x3")] == [
        "none", "yes", "0.0001", "16", "3x3"
    ]  # fmt: skip


def test_names_are_short_unless_two_end_alike() -> None:
    names = short_names(("conv2.out_channels", "conv3.kernel_size", "conv4.kernel_size"))
    assert names["conv2.out_channels"] == "out_channels"
    assert len(set(names.values())) == 3


@pytest.mark.parametrize("view", SWEEP_VIEWS)
@pytest.mark.parametrize(("width", "height"), [(60, 5), (78, 10), (150, 40)])
def test_a_view_fits_its_room(state: SweepState, view: str, width: int, height: int) -> None:
    lines = SWEEP_VIEWS[view](Scene(state, 3, "lr"), width, height)
    assert max(len(words([line])) for line in lines) <= width, words(lines)
    if view in ("curves", "parallel", "slice", "front"):
        assert len(lines) <= height


@pytest.mark.parametrize("view", SWEEP_VIEWS)
def test_a_view_of_nothing_says_so(state: SweepState, view: str) -> None:
    empty = msgspec.structs.replace(state, trials=(), importance={}, refused={})
    lines = SWEEP_VIEWS[view](Scene(empty, None, "lr"), 80, 10)
    assert view == "trial" or re.search("yet|appear|few", words(lines)), words(lines)


def test_lines_cross_every_axis_with_the_better_end_above(state: SweepState) -> None:
    picture = parallels(state, "lr", 3, 80)
    assert picture is not None
    assert [axis.name for axis in picture.axes][-1] == "accuracy"
    assert all(0 <= y <= 1 for strand in picture.strands for _, y in strand.points)
    assert state.best is not None
    assert next(s for s in picture.strands if s.glyph == "*").points[-1][1] == 1
    losses = msgspec.structs.replace(state, objectives=("loss",), directions=("minimize",))
    flipped = parallels(losses, "lr", 3, 80)
    assert flipped is not None
    assert float(flipped.axes[-1].high) < float(flipped.axes[-1].low)
    narrow = parallels(state, "dropout", None, 40)
    assert narrow is not None and "dropout" in [axis.name for axis in narrow.axes]


def test_nothing_beats_the_front(state: SweepState) -> None:
    front = front_of(state)
    ended = [trial for trial in state.trials if trial.state == "finished"]
    for one in front:
        assert not any(
            other.parameters <= one.parameters and (other.best or 0) > (one.best or 0)
            for other in ended
        )


def test_the_front_is_of_the_second_objective(tmp_path: Path) -> None:
    state = read_sweep(make_sweep(tmp_path, objectives=("accuracy", "macs")))
    assert [trial.number for trial in front_of(state)] == [trial.number for trial in state.front]
    assert "over macs" in words(SWEEP_VIEWS["front"](Scene(state), 80, 12))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_progress_counts_states_and_says_what_to_do(tmp_path: Path, width: int) -> None:
    state = read_sweep(make_sweep(tmp_path, phase="running"))
    lines = progress(state, NOW, width)
    assert "R resumes" in words(lines), "nobody holds the lock"
    running = msgspec.structs.replace(state, phase="running", workers=2)
    lines = progress(running, NOW, width)
    assert "2 workers" in words(lines) and "left" in words(lines)
    assert "2 running" in words(lines) or width < 80
    assert "Widths" in words(lines) or width < 80
    finished = msgspec.structs.replace(state, phase="finished")
    assert finished.best
    assert f"best 96.1% in trial {finished.best.number} " in words(progress(finished, NOW, width))


def test_a_trial_says_why_it_failed(state: SweepState) -> None:
    lines = words(SWEEP_VIEWS["trial"](Scene(state, 7), 44, 20))
    assert "failed" in lines and "not finite" in lines
    assert "3 × layer 3" in lines
    assert "start 2" in words(SWEEP_VIEWS["trial"](Scene(state, 3), 44, 20))


def test_sweeps_are_listed_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    make_sweep(tmp_path)
    damaged = make_sweep(tmp_path, "damaged")
    damaged.info_file.write_text("{")
    rows = {row.key: row for row in sweep_rows(SweepList(tmp_path).read())}
    assert rows["widths-1"].cells[1:4] == ("finished", "24/24", "96.1%")
    assert rows["damaged-1"].cells[1] == "failed"


@pytest.mark.parametrize("view", SWEEP_VIEWS)
@pytest.mark.parametrize("objective", ["accuracy", "loss"])
def test_extreme_figures_of_a_damaged_file_are_drawn(
    state: SweepState, view: str, objective: str
) -> None:
    extremes = (1e308, -1e308, 5e-324, 0.0, 10**5000, None, True, "x" * 80)
    figures = (1e308, -1e308, 5e-324, 0.0, 0.5, None, 1e30, -1.0)
    trials = tuple(
        msgspec.structs.replace(
            trial,
            values={"lr": extreme, "dropout": figure},
            best=figure,
            curve=(figure, 0.5),
            parameters=10**18 * (number % 2),
        )
        for number, (trial, extreme, figure) in enumerate(
            zip(state.trials, extremes, figures, strict=False)
        )
    )
    for some in (trials, trials[:1], trials[2:4]):
        odd = msgspec.structs.replace(state, trials=some, objectives=(objective,))
        for field in ("lr", "dropout"):
            assert SWEEP_VIEWS[view](Scene(odd, 0, field), 80, 12)
        TrialTable().listing(odd)


def test_losses_far_apart_are_on_a_logarithmic_scale(state: SweepState) -> None:
    trials = tuple(
        msgspec.structs.replace(trial, best=10.0 ** (number % 5), curve=(10.0 ** (number % 5),))
        for number, trial in enumerate(state.trials)
    )
    losses = msgspec.structs.replace(
        state, trials=trials, objectives=("loss",), directions=("minimize",)
    )
    for view in ("slice", "curves"):
        lines = words(list(SWEEP_VIEWS[view](Scene(losses, 0, "lr"), 80, 16)))
        assert "1e+04" in lines, lines
