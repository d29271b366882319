"""Quitting in good order on TERM, HUP and INT.

Textual handles none of them: TERM would leave the alternate screen on and HUP would kill the
trainer in the middle of a batch. A watchdog ends the process even if it is stuck, as when a link or
a disk stalls: Textual's writer blocks, and with it the event loop.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from cnn_tui.tui.terminal.modes import read_modes, restore_modes

if sys.platform == "win32":
    HANG_UP = signal.SIGBREAK
else:
    HANG_UP = signal.SIGHUP
"""What the system sends when the terminal is closed."""
SIGNALS = (signal.SIGTERM, HANG_UP, signal.SIGINT)
HUNG_UP = 128 + HANG_UP
"""The exit code after the terminal was closed."""
DEADLINE = 5.0
"""Seconds for the run to end and the screen to close before the watchdog ends the process."""

LEAVE = (
    "\x1b[?2026l\x1b[m\x1b[?7h"
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b]22;\x07"
    "\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[?25h\x1b[?1049l"
)
"""No frame half drawn, no style, wrapping; no mouse, its usual pointer; no reports of focus, paste
and size; the cursor; and last the main screen, which brings back the cursor's place."""
RESET = b"\x1b[<u" + LEAVE.encode()
"""The plain keyboard, which belongs to the screen that it was changed on, and ``LEAVE``."""
SHOW_CURSOR = b"\x1b[?25h"
_BUSY = 0.1
"""The share of processor time from which a process counts as computing, not stuck."""
_MOST_DEADLINES = 12
"""Deadlines for a computing process: a spinning thread must not keep it alive forever."""


class Watchdog:
    """Ends the process by force if it does not end in time.

    Args:
        last: Called with the exit code before that.
        reset: Sent to the terminal after it.
    """

    def __init__(
        self, last: Callable[[int], None] = lambda code: None, reset: bytes = RESET
    ) -> None:
        self._last, self._reset = last, reset
        self._modes, self._ended = read_modes(), threading.Event()
        self.code = 0

    def start(self, code: int) -> None:
        """Allow the process ``DEADLINE`` seconds from now; then it ends with ``code``."""
        self.code = code
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def spare_terminal(self) -> None:
        """Do not reset the terminal: it is as it was already."""
        self._reset = b""

    def call_off(self) -> None:
        """Cancel the deadline."""
        self._ended.set()

    def end(self) -> NoReturn:
        """End the process now."""
        self._last(self.code)
        restore_modes(self._modes, self._reset)
        os._exit(self.code)

    def _watch(self) -> None:
        used = time.process_time()
        for deadline in range(1, _MOST_DEADLINES + 1):
            if self._ended.wait(DEADLINE):
                return
            before, used = used, time.process_time()
            # A computing process is not stuck: one batch of a large network may take longer.
            if used - before < _BUSY * DEADLINE or deadline == _MOST_DEADLINES:
                self.end()


@contextmanager
def leaving_on_signals(
    leave: Callable[[int], None], last: Callable[[int], None] = lambda code: None
) -> Iterator[Watchdog]:
    """Call ``leave(128 + signal)`` on a signal, in the main thread, and only once.

    ``last`` is called with the same number if the process has to be ended by force.
    """
    watchdog, leaving = Watchdog(last), threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if leaving.is_set():
            return
        leaving.set()
        watchdog.start(128 + number)
        leave(128 + number)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield watchdog
    finally:
        watchdog.call_off()
        for number, handler in before.items():
            signal.signal(number, handler)
