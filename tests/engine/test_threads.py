"""A team shares out tasks, and leaves none running behind an error."""

from __future__ import annotations

import threading
import time
from contextlib import closing

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
