"""Work that may take long, on a thread that keeps nobody from leaving."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from threading import Event
from typing import Generic, TypeVar

from textual.message_pump import MessagePump

from cnn_tui.engine.errors import CnnTuiError

Result = TypeVar("Result")


def run_in_thread(
    pump: MessagePump,
    work: Callable[[], Result],
    then: Callable[[Result], None],
    failed: Callable[[CnnTuiError], None],
) -> None:
    """Do ``work`` on a thread, then hand its result, or its error, to the thread of the screen.

    Textual's own workers are waited for when the app ends, however long that takes; these are not.
    """

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # the thread's last resort: somebody is waiting
            pump.call_later(failed, in_words(error))
        else:
            pump.call_later(then, result)

    threading.Thread(target=run, name="aside", daemon=True).start()


def in_words(error: BaseException) -> CnnTuiError:
    """An error that a person can be told, whatever it was."""
    if isinstance(error, CnnTuiError):
        return error
    if isinstance(error, OSError):
        return CnnTuiError(f"{error.filename or 'A file'}: {error.strerror or error}.")
    if isinstance(error, MemoryError):
        return CnnTuiError("There is not enough memory for that.")
    return CnnTuiError(f"This is a fault in the program: {error!r}.")


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
