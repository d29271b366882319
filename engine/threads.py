"""A fixed pool of threads that runs the engine's tasks."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import SimpleQueue

import numpy as np
import threadpoolctl  # type: ignore[import-untyped]

Task = Callable[[], None]

BUFFERED = 512
"""Values in the buffers of NumPy's loops, into which it copies arrays that are not contiguous,
even without a cast, unless a row is as long. At the default of 8,192 a sum of volumes with halos
takes three times as long (measured: 0.37 against 0.12 ns per value)."""


class WorkerPool:
    """A pool of ``threads`` threads, including the caller's, that share tasks.

    All parallelism of the engine is here; BLAS runs on one thread. Then all operations run in
    parallel, not only matrix products, and results do not depend on how BLAS splits these. Not safe
    to use from two threads at once.
    """

    def __init__(self, threads: int) -> None:
        self.threads = max(1, threads)
        threadpoolctl.threadpool_limits(1, user_api="blas")
        self._crew = _Crew(self.threads)
        # The crew does not know its pool, so that its threads also end with a pool never closed.
        self._end = weakref.finalize(self, self._crew.dismiss)
        self._end.atexit = False

    def run(self, tasks: Sequence[Task]) -> None:
        """Run every task; returns when all have ended and raises the first error."""
        self.run_stages([tasks])

    def run_stages(self, stages: Sequence[Sequence[Task]]) -> None:
        """Run the tasks of each stage in parallel, the stages in order, until one has an error."""
        if not self._end.alive:
            raise RuntimeError("The threads of this pool have ended.")
        self._crew.run(stages)

    def close(self) -> None:
        """End the threads."""
        self._end()


class _Crew:
    """The threads of a pool and what they are at.

    The last thread to end a stage runs the stages of a single task that follow, and wakes the
    others for the next. So no thread directs the rest: of two threads one always works on, and a
    meeting costs one wake-up, not two. They share deques and queues, safe without the GIL.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.error: BaseException | None = None
        self.ended = True
        self.stages: Iterator[Sequence[Task]] = iter(())
        self.tasks: deque[Task] = deque()
        """Tasks of this stage that no thread has taken."""
        self.awaited: deque[int] = deque()
        """An entry for each thread of this stage but the last to end."""
        self._assemble()

    def _assemble(self) -> None:
        """Be without threads but the caller's; the others start when they are first waked."""
        self.dismissed = False
        self.members: list[threading.Thread] = []
        self.gates: list[SimpleQueue[None]] = [SimpleQueue() for _ in range(self.threads)]
        """One for each thread, the caller's first, on which it waits."""

    def run(self, stages: Sequence[Sequence[Task]]) -> None:
        """Run all stages with the calling thread as the first."""
        self.stages, self.error, self.ended = iter(stages), None, False
        try:
            with _quiet():
                going = self._next_stage(0)
                while going:
                    if self._share_tasks():
                        going = self._next_stage(0)
                    else:
                        self.gates[0].get()
                        going = not self.ended
        except BaseException:  # an interrupt outside of a task: nobody knows who waits for whom
            self.dismiss()
            self._assemble()
            raise
        error, self.error, self.stages = self.error, None, iter(())
        if error is not None:
            raise error

    def dismiss(self) -> None:
        """End the threads, after the tasks that they are at."""
        self.dismissed = True
        self.stages = iter(())
        self.tasks.clear()
        for gate in self.gates:
            gate.put(None)
        for member in self.members:
            if member is not threading.current_thread():  # where garbage is collected on it
                member.join()

    def _next_stage(self, number: int) -> bool:
        """Begin the next stage of several tasks, as thread ``number``, and wake others for it.

        Returns whether there is one; the caller is woken if not.
        """
        for tasks in self.stages:
            if self.error is not None or self.dismissed:
                break
            if len(tasks) > 1:
                present = min(self.threads, len(tasks))
                others = [other for other in range(present) if other != number][: present - 1]
                self.tasks, self.awaited = deque(tasks), deque(others)
                for other in others:
                    self._wake(other)
                return True
            for task in tasks:
                self._try(task)
        self.ended = True
        if number:
            self._wake(0)
        return False

    def _share_tasks(self) -> bool:
        """Run tasks of this stage until none is left; whether the other threads ended before."""
        tasks, awaited = self.tasks, self.awaited  # the last to end sets the next
        with suppress(IndexError):
            while True:
                self._try(tasks.popleft())
        with suppress(IndexError):
            awaited.pop()
            return False
        return True

    def _try(self, task: Task) -> None:
        try:
            task()
        except BaseException as error:
            self.error = self.error or error

    def _wake(self, number: int) -> None:
        while number > len(self.members):
            name, place = f"engine_{len(self.members)}", len(self.members) + 1
            member = threading.Thread(target=self._serve, args=(place,), name=name, daemon=True)
            self.members.append(member)
            member.start()
        self.gates[number].put(None)

    def _serve(self, number: int) -> None:
        gate = self.gates[number]
        with _quiet():
            while True:
                gate.get()
                if self.dismissed:
                    return
                while self._share_tasks() and self._next_stage(number):
                    pass


@contextmanager
def _quiet() -> Iterator[None]:
    """NumPy without warnings, as the model checks for values that are not finite."""
    with np.errstate(all="ignore"):
        np.setbufsize(BUFFERED)  # ends with the errstate
        yield
