"""What the machine can do on the threads of an engine: matrix products, and its way to memory."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from cnn_tui.engine.threads import Task, WorkerPool

TRIAD = 1 << 24
"""Values in each array of the triad: 64 MB, more than a last-level cache."""
SQUARE = 1024
"""Side of the matrices of the product."""


class Machine:
    """The peak rates of the machine on the threads of the pool, measured again in every round."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        self.bandwidth = self.sgemm = 0.0
        """Bytes and operations a second, the most of all rounds."""
        spans = [
            slice(TRIAD * n // pool.threads, TRIAD * (n + 1) // pool.threads)
            for n in range(pool.threads)
        ]
        a, b, c = (np.ones(TRIAD, np.float32) for _ in range(3))
        self.sums: list[Task] = [partial(np.add, a[s], b[s], out=c[s]) for s in spans]
        sides = [[np.ones((SQUARE, SQUARE), np.float32) for _ in range(3)] for _ in spans]
        self.products: list[Task] = [partial(np.matmul, a, b, out=c) for a, b, c in sides]

    def measure(self) -> None:
        seconds = self._least(self.sums)
        self.bandwidth = max(self.bandwidth, 3 * 4 * TRIAD / seconds)
        seconds = self._least(self.products)
        self.sgemm = max(self.sgemm, 2 * SQUARE**3 * self.pool.threads / seconds)

    def _least(self, tasks: list[Task]) -> float:
        times = []
        for _ in range(4):
            begin = time.perf_counter()
            self.pool.run(tasks)
            times.append(time.perf_counter() - begin)
        return min(times)
