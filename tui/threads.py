"""Work that may take long, on a thread that keeps nobody from leaving."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from textual.message_pump import MessagePump

from cnn_tui.engine.errors import CnnTuiError, reason_of

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
        return CnnTuiError(f"{error.filename or 'A file'}: {reason_of(error)}.")
    if isinstance(error, MemoryError):
        return CnnTuiError("There is not enough memory for that.")
    return CnnTuiError(f"This is a fault in the program: {error!r}.")
