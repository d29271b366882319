"""What becomes of a run whose terminal is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from cnn_tui.engine.errors import RunError
from cnn_tui.tui.terminal.shutdown import HUNG_UP

if TYPE_CHECKING:
    from cnn_tui.engine.runs.folder import RunFolder

OnHangup = Literal["stop", "continue"]


class DetachOnHangup:
    """Continues a run in another process, at most once, when the terminal is closed.

    Args:
        on_hangup: ``stop`` leaves the run stopped.
        stopped_run: Returns the run that was stopped with a checkpoint, once its folder is free;
            None if there is none.
        words: Further options of ``cnn-tui resume``.
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
        """Start the process if ``code`` is that of a hang-up; safe from any thread."""
        with self._lock:
            if not self._wanted or code != HUNG_UP:
                return
            self._wanted = False
            # Imported late: few terminals are closed.
            from cnn_tui.tui.history.continuing import resume_detached

            folder = self._stopped_run()
            # There is no terminal for an error; the run remains at its checkpoint.
            if folder is not None:
                with suppress(RunError):
                    resume_detached(folder, self._words)
