"""Long work on daemon threads, which do not delay quitting."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from threading import Event
from typing import Any, Generic, TypeVar

from textual.message_pump import MessagePump

from cnn_tui.engine.cores import give_way
from cnn_tui.engine.errors import CnnTuiError, reason_of

Result = TypeVar("Result")


def run_in_thread(
    pump: MessagePump,
    work: Callable[[], Result],
    then: Callable[[Result], None],
    failed: Callable[[CnnTuiError], None],
) -> None:
    """Run ``work`` on a thread, then pass its result, or its error, to the screen's thread.

    Textual waits for its own workers when the app ends, however long that takes; not for these.
    """

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # the thread's last resort: the screen is waiting
            pump.call_later(failed, readable(error))
        else:
            pump.call_later(then, result)

    threading.Thread(target=run, name="aside", daemon=True).start()


async def in_thread(pump: MessagePump, work: Callable[[], Result]) -> Result:
    """Run ``work`` on a thread and wait for it, for a worker that then opens a dialog.

    Keys typed meanwhile are held for what it opens.

    Raises:
        CnnTuiError: ``work`` failed.
    """
    result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def settle(how: Callable[[Any], None], value: object) -> None:
        if not result.done():  # cancelled with the screen that asked
            how(value)

    run_in_thread(
        pump, work, partial(settle, result.set_result), partial(settle, result.set_exception)
    )
    return await result


def readable(error: BaseException) -> CnnTuiError:
    """Return an error with a readable message for any exception."""
    if isinstance(error, CnnTuiError):
        return error
    if isinstance(error, OSError):
        return CnnTuiError(f"{error.filename or 'A file'}: {reason_of(error)}.")
    if isinstance(error, MemoryError):
        return CnnTuiError("Out of memory.")
    return CnnTuiError(f"Internal error: {error!r}.")


Make = Callable[[Callable[[], bool]], Generator[Result, None, None]]
"""Yields results; its argument returns whether the experiment was cancelled."""


class Experiment(Generic[Result]):
    """A series of results: the thread appends, the screen reads, and neither waits."""

    def __init__(self, make: Make[Result]) -> None:
        self._make = make
        self._cancelled = Event()
        self._began = time.monotonic()
        self._took: float | None = None
        self.results: list[Result] = []

    @property
    def cancelled(self) -> bool:
        """Whether the experiment was cancelled."""
        return self._cancelled.is_set()

    @property
    def seconds(self) -> float:
        """The time taken so far, or in all."""
        return time.monotonic() - self._began if self._took is None else self._took

    def cancel(self) -> None:
        """End the experiment after the present step; its results stay."""
        self._cancelled.set()

    def run(self) -> None:
        """Run the experiment on the caller's thread; raises any of its errors."""
        give_way()
        try:
            with closing(self._make(self._cancelled.is_set)) as results:
                for result in results:
                    self.results.append(result)
                    if self.cancelled:
                        return
        finally:
            self._took = self.seconds
