"""The usual number of threads."""

from __future__ import annotations

import os

THREADS_VARIABLE = "CNN_TUI_THREADS"
MOST_THREADS = 256


def default_threads() -> int:
    """``CNN_TUI_THREADS`` of the environment, else the cores that this process may use."""
    wanted = os.environ.get(THREADS_VARIABLE, "")
    if wanted.isdecimal() and 1 <= int(wanted) <= MOST_THREADS:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):  # only on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
