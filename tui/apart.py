"""Work that takes long, on a thread of its own, so that the screen goes on.

The thread is a daemon: unlike a worker's it keeps nobody from leaving.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from textual.message import Message
from textual.widget import Widget

from cnn_tui.engine.errors import CnnTuiError


class Finished(Message):
    """The work is done: its ``result``, or an error in words."""

    def __init__(self, task: str, result: object, error: str = "") -> None:
        super().__init__()
        self.task = task
        self.result = result
        self.error = error


def run_apart(widget: Widget, task: str, work: Callable[[], object]) -> None:
    """Do ``work`` and tell ``widget``, if it is still there, by :class:`Finished`."""

    def job() -> None:
        try:
            finished = Finished(task, work())
        except CnnTuiError as error:
            finished = Finished(task, None, str(error))
        except MemoryError:
            finished = Finished(task, None, "There is not enough memory for that.")
        except Exception as error:  # the thread's last resort: somebody is waiting
            finished = Finished(task, None, f"This is a fault in the program: {error!r}")
        widget.post_message(finished)

    Thread(target=job, name=task, daemon=True).start()
