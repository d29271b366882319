"""A team shares out tasks, and leaves none running behind an error."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

import pytest

from cnn_tui.engine.threads import WorkerPool


def test_an_error_of_the_caller_waits_for_the_tasks_of_others() -> None:
    both, ended = threading.Barrier(2), []

    def task() -> None:
        both.wait(10)  # so that each thread has one of the two
        if threading.current_thread() is threading.main_thread():
            raise ValueError("mine")
        time.sleep(0.05)
        ended.append(True)

    with closing(WorkerPool(2)) as team:
        with pytest.raises(ValueError, match="mine"):
            team.run([task, task])
        assert ended == [True]


def test_an_error_of_another_thread_reaches_the_caller() -> None:
    both = threading.Barrier(2)

    def task() -> None:
        both.wait(10)
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("theirs")

    with closing(WorkerPool(2)) as team, pytest.raises(ValueError, match="theirs"):
        team.run([task, task])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_stages_run_in_order_and_every_task_once(threads: int) -> None:
    chance = random.Random(threads)
    ran: list[tuple[int, int]] = []

    def noting(*place: int) -> Callable[[], None]:
        return lambda: ran.append(place)

    with closing(WorkerPool(threads)) as team:
        for _ in range(100):
            ran.clear()
            sizes = [chance.choice([0, 1, 2, 3, 9]) for _ in range(chance.randrange(9))]
            team.run_stages([[noting(at, n) for n in range(size)] for at, size in enumerate(sizes)])
            assert sorted(ran) == [(at, n) for at, size in enumerate(sizes) for n in range(size)]
            assert [at for at, _ in ran] == sorted(at for at, _ in ran)


@pytest.mark.parametrize("tasks", [1, 3])
def test_no_stage_begins_after_an_error_and_the_next_run_is_whole(tasks: int) -> None:
    def fails() -> None:
        raise ValueError("mine")

    after: list[bool] = []
    stages = [[fails] * tasks, [lambda: after.append(True)] * 2]
    with closing(WorkerPool(3)) as team:
        with pytest.raises(ValueError, match="mine"):
            team.run_stages(stages)
        assert after == []
        team.run_stages(stages[1:])
        assert after == [True, True]


def test_an_interrupt_waits_for_the_tasks_and_the_next_run_is_whole() -> None:
    both, ended = threading.Barrier(2), []

    def task() -> None:
        both.wait(10)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.05)  # the caller waits already
            signal.raise_signal(signal.SIGINT)
            ended.append(True)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with closing(WorkerPool(2)) as team:
            for rounds in range(1, 4):
                with pytest.raises(KeyboardInterrupt):
                    team.run([task, task])
                assert len(ended) == rounds
            team.run([partial(both.wait, 10)] * 2)
    finally:
        signal.signal(signal.SIGINT, before)


def test_threads_end_with_their_pool() -> None:
    before = set(threading.enumerate())
    team = WorkerPool(3)
    team.run([threading.Event] * 3)
    assert len(set(threading.enumerate()) - before) == 2
    del team
    assert set(threading.enumerate()) <= before


def test_a_closed_pool_runs_nothing() -> None:
    team = WorkerPool(2)
    team.close()
    with pytest.raises(RuntimeError, match="ended"):
        team.run([threading.Event] * 2)
