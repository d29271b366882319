"""A trial beside the run, before it is begun or while it goes: results one by one, on a thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from threading import Event
from typing import Generic, TypeVar

Result = TypeVar("Result")
Make = Callable[[Callable[[], bool]], Generator[Result, None, None]]
"""Makes the results; what it is given says when nobody wants any more."""


class Trial(Generic[Result]):
    """The thread appends, the screen reads; neither waits for the other."""

    def __init__(self, make: Make[Result]) -> None:
        self._make = make
        self._cancelled = Event()
        self._began = time.monotonic()
        self._took: float | None = None
        self.results: list[Result] = []

    @property
    def cancelled(self) -> bool:
        """Whether somebody wanted it to end."""
        return self._cancelled.is_set()

    @property
    def seconds(self) -> float:
        """How long it has taken so far, or took in all."""
        return time.monotonic() - self._began if self._took is None else self._took

    def cancel(self) -> None:
        """End it after the present step; what there is stays."""
        self._cancelled.set()

    def run(self) -> None:
        """Do it, on the thread of the caller; raises what goes wrong."""
        try:
            with closing(self._make(self._cancelled.is_set)) as results:
                for result in results:
                    self.results.append(result)
                    if self.cancelled:
                        return
        finally:
            self._took = self.seconds
