"""Events fold into what the training screen shows, whatever order and values they have."""

from __future__ import annotations

import math

import pytest
from scripted import batch, ended, epoch_end, run_events, started, validation

from cnn_tui.engine.training.events import Alert, RunEvent, RunPaused, RunResumed, SettingChanged
from cnn_tui.tui.dashboard.board import LOG_LINES, Board
from cnn_tui.tui.dashboard.pictures import picture
from cnn_tui.tui.dashboard.run_view import RunView, view_of


def board_of(*events: RunEvent) -> Board:
    board = Board()
    for event in events:
        board.apply(event)
    return board


def view(
    board: Board, *, active: bool = True, pausing: bool = False, stopping: bool = False
) -> RunView:
    return view_of(board, active=active, pausing=pausing, stopping=stopping)


def test_a_whole_run() -> None:
    board = board_of(*run_events(epochs=3, batches=10))
    shown = view(board, active=False)
    assert (shown.state, shown.detail) == ("done", "test 98.1%")
    assert (shown.epoch, shown.epochs, shown.progress) == (3, 3, 1.0)
    assert shown.seconds_left is None
    assert shown.best.endswith(", epoch 3")
    assert len(board.val_loss.points()) >= 3
    assert picture("loss", board, 10).plot is not None


def test_what_was_noticed_of_the_data_leaves_its_line_after_an_epoch() -> None:
    board = board_of(started(), Alert(code="data", message="Two pictures are flat.", step=0))
    assert view(board).verdict == "Two pictures are flat."
    board.apply(epoch_end(10, 1))
    shown = view(board)
    assert not shown.verdict
    assert any("Two pictures are flat." in text for _, text in shown.log)


@pytest.mark.parametrize(
    ("events", "intent", "state"),
    [
        ((), {"active": False}, "ready"),
        ((), {}, "starting"),
        ((started(),), {}, "training"),
        ((started(), batch(1)), {"pausing": True}, "pausing"),
        ((started(), batch(1), RunPaused(step=1)), {"pausing": True}, "paused"),
        ((started(), batch(1), RunPaused(step=1)), {}, "resuming"),
        ((started(), RunPaused(step=1), RunResumed(step=1)), {}, "training"),
        ((started(), batch(1)), {"stopping": True}, "stopping"),
        ((started(), ended("stopped")), {"active": False, "stopping": True}, "stopped"),
        ((ended("failed", message="No."),), {"active": False}, "failed"),
    ],
)
def test_the_state_in_words(
    events: tuple[RunEvent, ...], intent: dict[str, bool], state: str
) -> None:
    assert view(board_of(*events), **intent).state == state


def test_a_failure_is_told_in_its_own_words() -> None:
    shown = view(board_of(started(), ended("failed", message="The loss is NaN.")), active=False)
    assert shown.detail == "The loss is NaN."
    assert shown.log[-1][1] == "! failed: The loss is NaN."


def test_progress_and_time_left_come_from_the_batches() -> None:
    board = board_of(started(epochs=3, batches=10), batch(6, epoch=1, number=6))
    shown = view(board)
    assert (shown.progress, shown.epoch_progress) == (0.2, 0.6)
    assert shown.seconds_left == pytest.approx(12.0)


def test_the_best_validation_is_kept_not_the_last() -> None:
    board = board_of(started(), validation(10, 1, loss=0.5), validation(20, 2, loss=1.0))
    assert view(board).best == f"{1 - 0.5 / 2.6:.1%}, epoch 1"


def test_losses_that_are_not_finite_do_no_harm() -> None:
    board = board_of(started(), batch(1, math.nan), batch(2, math.inf), validation(2, 1, math.nan))
    assert picture("loss", board, 10).plot is None
    assert picture("loss", board, 10).note == "no finite value to draw"
    assert view(board).state == "training"


def test_what_is_changed_and_what_is_praised_is_told() -> None:
    praise = Alert(code="healthy", message="All is well.", step=1, severity="praise")
    change = SettingChanged(step=2, name="lr", old=0.1, new=0.01)
    told = [words for _, words in view(board_of(started(), praise, change)).log]
    assert told[1:] == ["All is well.", "lr 0.1 -> 0.01"]


def test_the_log_is_bounded() -> None:
    board = board_of(*(Alert(code="x", message=str(n), step=n) for n in range(10 * LOG_LINES)))
    assert len(view(board).log) == LOG_LINES
    assert view(board).log[-1][1] == f"! {10 * LOG_LINES - 1}"


def test_any_event_may_come_first() -> None:
    for event in (batch(1), validation(1, 1), epoch_end(1, 1), RunPaused(step=0), ended("stopped")):
        view(board_of(event))
