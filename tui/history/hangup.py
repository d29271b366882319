"""What becomes of a run of this process when its terminal goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.history.continuing import resume_detached
from cnn_tui.tui.terminal.shutdown import HUNG_UP

OnHangup = Literal["stop", "continue"]


class DetachOnHangup:
    """Lets a run go on in a process of its own, at most once, when this one was hung up.

    Args:
        on_hangup: ``stop`` leaves the run as it is.
        stopped_run: The run that was stopped with a checkpoint, once its folder is free; None if
            there is none.
        words: Told to ``cnn-tui resume`` besides.
    """

    def __init__(
        self,
        on_hangup: OnHangup,
        stopped_run: Callable[[], RunFolder | None],
        words: Sequence[str] = (),
    ) -> None:
        self._wanted = on_hangup == "continue"
        self._stopped_run, self._words = stopped_run, words
        self._lock = threading.Lock()

    def detach(self, code: int) -> None:
        """To be called with the exit code when all else is done; safe from any thread."""
        with self._lock:
            if not self._wanted or code != HUNG_UP:
                return
            self._wanted = False
            folder = self._stopped_run()
            # There is nobody left to tell; the run stands at its checkpoint.
            if folder is not None:
                with suppress(RunError):
                    resume_detached(folder, self._words)
