"""The usual number of threads, and how they make way for a screen."""

from __future__ import annotations

import os
import sys

THREADS_VARIABLE = "CNN_TUI_THREADS"
MOST_THREADS = 256
NICENESS = 5
"""How much nicer than the process the threads are that make way."""


def default_threads() -> int:
    """``CNN_TUI_THREADS`` of the environment, else the cores that this process may use."""
    wanted = os.environ.get(THREADS_VARIABLE, "")
    if wanted.isdecimal() and 1 <= int(wanted) <= MOST_THREADS:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):  # only on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def give_way() -> None:
    """Let the calling thread, and those that it starts, compute where others leave the time.

    Only on Linux, where a thread has a niceness of its own.
    """
    if sys.platform == "linux":
        os.nice(NICENESS)
