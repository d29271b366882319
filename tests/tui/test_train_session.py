"""The session: one run at a time, and a word about every way it can end."""

from __future__ import annotations

import os
import sys
import threading

import pytest
from scripted import SMALL, Script, batch, run_events, started

from cnn_tui.engine.cores import NICENESS
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.layers import FC, Conv, GlobalAvgPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEnded, RunPaused
from cnn_tui.tui.session import Emit, Runner, Session, train


def run_to_the_end(runner: Runner) -> RunEnded:
    session = Session(runner)
    session.start(SMALL)
    assert session.join(10)
    *before, last = session.drain()
    assert isinstance(last, RunEnded)
    assert not any(isinstance(event, RunEnded) for event in before)
    return last


def raising(error: BaseException) -> Runner:
    def runner(network: Network, control: Control, emit: Emit) -> None:
        emit(started())
        emit(batch(7))
        raise error

    return runner


def test_a_run_goes_through() -> None:
    script = Script(run_events())
    assert run_to_the_end(script).reason == "completed"
    assert script.networks == [SMALL]


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no niceness of its own")
def test_a_run_gives_way_to_the_screen_and_so_do_the_threads_that_it_starts() -> None:
    found: list[int] = []

    def runner(network: Network, control: Control, emit: Emit) -> None:
        found.append(os.nice(0))
        helper = threading.Thread(target=lambda: found.append(os.nice(0)))
        helper.start()
        helper.join()

    run_to_the_end(runner)
    assert found == [os.nice(0) + NICENESS] * 2


def test_an_error_for_people_is_passed_on_as_it_is() -> None:
    end = run_to_the_end(raising(DataError("There is no dataset 'x'.", "Did you mean y?")))
    assert end.reason == "failed"
    assert end.message == "There is no dataset 'x'. Did you mean y?"
    assert end.step == 7


def test_a_crash_names_the_error_and_its_place() -> None:
    end = run_to_the_end(raising(ZeroDivisionError("division by zero")))
    assert "ZeroDivisionError: division by zero" in end.message
    assert "test_train_session.py, line" in end.message


@pytest.mark.parametrize("error", [MemoryError(), SystemExit(3), KeyboardInterrupt()])
def test_nothing_that_a_trainer_raises_gets_past(error: BaseException) -> None:
    assert run_to_the_end(raising(error)).reason == "failed"


def test_running_out_of_memory_is_said_in_words() -> None:
    assert run_to_the_end(raising(MemoryError())).message.startswith("Out of memory.")


def test_a_trainer_that_ends_without_a_word_is_a_failure() -> None:
    assert run_to_the_end(Script([started()])).reason == "failed"


def test_an_error_after_the_end_does_not_end_it_twice() -> None:
    def runner(network: Network, control: Control, emit: Emit) -> None:
        for event in run_events():
            emit(event)
        raise RuntimeError("late")

    assert run_to_the_end(runner).reason == "completed"


def test_pause_resume_and_stop() -> None:
    script = Script(run_events(), hold=5)
    session = Session(script)
    session.start(SMALL)
    assert script.held.wait(10)
    session.toggle_pause()
    assert session.paused
    seen = list(session.drain())
    while not any(isinstance(event, RunPaused) for event in seen):
        seen += session.drain()
    assert session.active
    session.toggle_pause()
    session.stop()
    assert session.join(10)
    assert session.stopping
    last = session.drain()[-1]
    assert isinstance(last, RunEnded)
    assert last.reason == "stopped"


def test_a_paused_run_can_be_stopped() -> None:
    script = Script(run_events(), hold=5)
    session = Session(script)
    session.start(SMALL)
    script.held.wait(10)
    session.toggle_pause()
    session.stop()
    assert session.join(10)


def test_only_one_run_at_a_time() -> None:
    script = Script(run_events(), hold=1)
    session = Session(script)
    session.start(SMALL)
    with pytest.raises(RuntimeError):
        session.start(SMALL)
    session.stop()
    assert session.join(10)
    session.start(SMALL)
    session.stop()
    assert session.join(10)


def test_a_run_that_does_not_listen_does_not_hold_anyone() -> None:
    stubborn = threading.Event()

    def runner(network: Network, control: Control, emit: Emit) -> None:
        stubborn.wait(30)

    session = Session(runner)
    session.start(SMALL)
    session.stop()
    assert not session.join(0.05)
    assert session.active
    stubborn.set()
    assert session.join(10)


def test_before_any_run() -> None:
    session = Session()
    assert not session.active
    assert session.drain() == ()
    assert session.join(0)
    session.stop()


def test_a_training_that_will_not_fit_is_refused_before_it_is_tried() -> None:
    layers = (Conv(out_channels=65536, kernel_size=1), GlobalAvgPool(), FC(out_features=10))
    session = Session(train)
    session.start(Network(input=(1, 512, 512), layers=layers))
    assert session.join(30)
    (ended,) = session.drain()
    assert isinstance(ended, RunEnded)
    assert "of memory or more" in ended.message
    refusal = session.take_refusal()
    assert refusal
    assert (refusal.batch, session.take_refusal()) == (0, None)
