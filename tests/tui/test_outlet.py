"""The thread that prints a training, on a reader that sleeps as long as a test wants."""

from __future__ import annotations

import errno
import os
import threading

import pytest

import cnn_tui.tui.cli.outlet as outlets
from cnn_tui.engine.training.events import BatchCompleted, EpochCompleted, RunEnded, RunEvent
from cnn_tui.tui.cli.outlet import BATCHES, Outlet
from cnn_tui.tui.cli.reporters import Reporter


class Sleeper(Reporter):
    """Notes what it is to print, once it is awake."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.awake, self.asked = threading.Event(), threading.Event()
        self.shown: list[str] = []

    def show(self, event: RunEvent) -> None:
        self.asked.set()
        self.awake.wait()
        self.shown.append(f"{type(event).__name__} {event.step}")

    def skip(self, count: int) -> None:
        self.shown.append(f"left out {count}")


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def outlet(sleeper: Sleeper) -> Outlet:
    """Its thread is inside of the first event, with nothing behind it."""
    outlet = Outlet(sleeper, lambda error: None)
    outlet.put(batch(0))
    sleeper.asked.wait()
    return outlet


def batch(step: int) -> BatchCompleted:
    return BatchCompleted(step, 1, step, 1.0, 0.0, 0.5, 0.1, 100.0, float(step))


def epoch(step: int) -> EpochCompleted:
    return EpochCompleted(1, step, 1.0, 0.5, 1.0, 0.5, 0.0, 0.1, 100.0, 1.0)


def ended(step: int) -> RunEnded:
    return RunEnded(reason="completed", step=step, epoch=1, seconds=1.0)


def test_batches_are_left_out_and_counted_where_they_were(sleeper: Sleeper, outlet: Outlet) -> None:
    for step in range(1, BATCHES + 8):
        outlet.put(batch(step))
    outlet.put(epoch(1000))
    outlet.put(batch(1001))
    outlet.put(ended(1001))
    sleeper.awake.set()
    assert outlet.drain()
    assert sleeper.shown == [
        *(f"BatchCompleted {step}" for step in range(BATCHES + 1)),
        "left out 7",
        "EpochCompleted 1000",
        "left out 1",
        "RunEnded 1001",
    ]


def test_memory_is_bounded_for_everything_but_the_end(
    sleeper: Sleeper, outlet: Outlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets, "EVENTS", 3)
    for step in range(1, 100):
        outlet.put(epoch(step))
    outlet.put(ended(100))
    sleeper.awake.set()
    assert outlet.drain()
    assert sleeper.shown[1:] == [
        *(f"EpochCompleted {step}" for step in (1, 2, 3)), "left out 96", "RunEnded 100",
    ]  # fmt: skip


def test_draining_has_an_end_even_if_the_reader_sleeps(sleeper: Sleeper, outlet: Outlet) -> None:
    assert not outlet.drain(0.01)
    sleeper.awake.set()
    assert outlet.drain()


def test_a_failure_is_reported_once_and_ends_the_printing() -> None:
    class Full(Reporter):
        def show(self, event: RunEvent) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    failures: list[Exception] = []
    outlet = Outlet(Full(), failures.append)
    for step in range(3):
        outlet.put(epoch(step))
    assert outlet.drain()
    assert failures == [outlet.failure]
    outlet.put(epoch(4))


def test_what_is_worth_no_line_is_not_kept(sleeper: Sleeper) -> None:
    outlet = Outlet(Reporter(), lambda error: None)
    outlet.put(batch(1))
    assert outlet.drain()
