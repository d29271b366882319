"""Events fold into what the training screen shows, whatever order and values they have."""

from __future__ import annotations

import math

import msgspec
import pytest
from scripted import batch, ended, epoch_end, run_events, started, validation

from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    CheckpointSaved,
    Remedy,
    RunEvent,
    RunPaused,
    RunResumed,
    SettingChanged,
    ValidationCompleted,
)
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui.dashboard.board import LOG_LINES, Board
from cnn_tui.tui.dashboard.further import MOST_FURTHER
from cnn_tui.tui.dashboard.pictures import picture, views_of
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


def test_a_chart_without_figures_is_left_out_unless_they_are_to_come() -> None:
    going = [started(), batch(1)]
    assert [kind for kind, _ in views_of(board_of(*going))] == ["accuracy", "lr", "ratio"]
    recorded = msgspec.structs.replace(started(), program="loop.py")
    for events in ((*going, ended("completed")), (recorded, batch(1))):
        assert [kind for kind, _ in views_of(board_of(*events))] == ["accuracy", "lr"]


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


OTHERS = msgspec.structs.replace(started(epochs=4), batches=0, program="lightning", data="")
"""Another program's training, which hid the length of an epoch."""


def losses_only(step: int, epoch: int, loss: float) -> ValidationCompleted:
    return msgspec.structs.replace(validation(step, epoch, loss), accuracy=math.nan)


def test_of_losses_alone_the_least_is_the_best() -> None:
    board = board_of(OTHERS, *(losses_only(10 * n, n, loss) for n, loss in ((1, 2.0), (2, 0.5))))
    board.apply(losses_only(30, 3, 1.0))
    assert board.best and board.best.epoch == 2
    assert not board.val_accuracy.points() and board.val_loss.points()


def test_a_training_of_unknown_length_is_drawn_by_steps() -> None:
    board = board_of(OTHERS, batch(7), epoch_end(20, 1))
    assert board.by_steps and board.epoch_progress == 0.0 and board.progress == 0.25
    assert {x for x, _ in board.l2_loss.points()} == {7}
    assert board.log[0][1] == "small, trained by lightning"
    endless = board_of(msgspec.structs.replace(OTHERS, epochs=0), batch(7))
    assert endless.progress == 0.0 and endless.seconds_left is None


def test_figures_of_another_program_are_bounded() -> None:
    figures = {f"figure{n}": 1.0 for n in range(MOST_FURTHER + 5)}
    board = board_of(OTHERS, msgspec.structs.replace(batch(1), scalars=figures))
    assert len(board.further) == MOST_FURTHER
    board.apply(msgspec.structs.replace(batch(2), scalars={"val_figure0": None, "more": 2.0}))
    assert "more" not in board.further and "val_figure0" not in board.further


def test_an_alert_that_is_over_is_told_once() -> None:
    board = board_of(started(), Alert(code="dead", layer="relu1", message="Dead: 90%.", step=1))
    for _ in range(2):
        board.apply(AlertCleared(code="dead", layer="relu1", step=2))
    assert not board.standing
    assert [text for _, text in board.log if "no longer" in text] == ["no longer: Dead"]


def test_a_failure_that_an_alert_has_told_is_not_told_again() -> None:
    alert = Alert(code="nan", message="The loss is NaN.", step=3, evidence=("lr 10",))
    board = board_of(started(), alert, ended("failed", 3, message="The loss is NaN."))
    assert [text for _, text in board.log][1:] == [
        "! The loss is NaN.",
        "  lr 10",
        "! failed at step 3",
    ]


def test_the_latest_alert_with_a_remedy_is_offered() -> None:
    change = Remedy(description="Lower it", changes={"lr": 0.01})
    first, later = (
        Alert(code=code, message=code, step=1, remedy=change) for code in ("one", "two")
    )
    plain = Alert(code="three", message="three", step=1)
    assert board_of(first, later, plain).remedied == later
    assert board_of(plain).remedied is None


def test_what_one_step_did_is_one_line() -> None:
    saved = CheckpointSaved(step=5, path="5.safetensors", seconds=0.1)
    board = board_of(started(), saved, RunPaused(step=5), saved)
    assert [text for _, text in board.log][1:] == ["paused at step 5, with a checkpoint"]
    board.apply(RunResumed(step=5))
    assert board.log[-1][1] == "resumed at step 5"


def test_a_larger_batch_takes_fewer_steps_and_the_curve_never_goes_back() -> None:
    board = board_of(started(epochs=1, batches=10), batch(6, number=6))
    board.settings = Settings(lr=0.01, batch_size=128)
    board.apply(batch(7, number=1))
    assert board.batches == 5
    assert {x for x, _ in board.l2_loss.points()} == {0.6}
    board.apply(SettingChanged(step=7, name="dropout", old=0.5, new=None))
    assert board.log[-1][1] == "dropout 0.5 -> as in the network" and board.marks == [0.6]


def test_a_stopped_run_says_how_it_is_resumed() -> None:
    kept = msgspec.structs.replace(started(), run="small-1")
    stopped = board_of(kept, ended("stopped", 1_200))
    assert stopped.resume_words == "cnn-tui resume small-1 resumes it from step 1,200"
    stopped.handed_on = True
    assert stopped.resume_words == ""
    for events in ((kept, ended("completed")), (started(), ended("stopped")), (kept,), ()):
        assert board_of(*events).resume_words == ""


def test_printed_lines_are_logged_without_empty_ones() -> None:
    board = board_of(started())
    board.log_print("loading\n\n  \ndone  \n")
    assert [text for _, text in board.log][1:] == ["printed: loading", "printed: done"]
