"""Work that may take long, on a thread that keeps nobody from leaving."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from textual.message_pump import MessagePump

from cnn_tui.engine.errors import CnnTuiError

Result = TypeVar("Result")


def aside(
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
        except CnnTuiError as error:
            pump.call_later(failed, error)
        except OSError as error:
            words = f"{error.filename or 'A file'}: {error.strerror or error}."
            pump.call_later(failed, CnnTuiError(words, ""))
        else:
            pump.call_later(then, result)

    threading.Thread(target=run, name="aside", daemon=True).start()
