"""Running tasks on a fixed team of threads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import threadpoolctl  # type: ignore[import-untyped]

Task = Callable[[], None]

BUFFERED = 512
"""Numbers in the buffers of NumPy's loops. It copies into them what is not contiguous, even where
nothing has to be cast, unless a row is as long: at its default of 8,192 a sum of volumes that lie
in frames takes three times as long (measured: 0.37 against 0.12 ns a number)."""


def default_threads() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux; others do not tell
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WorkerPool:
    """``threads`` threads, the caller among them, that share out tasks.

    The engine gets its parallelism from here and keeps BLAS at one thread: then everything runs
    in parallel, not the matrix products alone, and results cannot depend on how BLAS cuts them.
    """

    def __init__(self, threads: int) -> None:
        self.threads = max(1, threads)
        threadpoolctl.threadpool_limits(1, user_api="blas")
        self._pool = ThreadPoolExecutor(max(1, self.threads - 1), thread_name_prefix="engine")

    def run(self, tasks: Sequence[Task]) -> None:
        """Run every task; returns when all have ended, raises the first error."""
        turns = itertools.count()

        def drain() -> None:
            with np.errstate(all="ignore"):  # the model looks for what is not finite itself
                np.setbufsize(BUFFERED)  # ends with the errstate
                for turn in turns:
                    if turn >= len(tasks):
                        return
                    tasks[turn]()

        others = min(self.threads, len(tasks)) - 1
        futures = [self._pool.submit(drain) for _ in range(others)]
        try:
            drain()
        finally:
            wait(futures)
        for future in futures:
            future.result()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
