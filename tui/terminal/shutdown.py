"""Leaving in good order when the system asks for it: TERM, HUP and INT.

Textual handles none of them: TERM would leave the alternate screen behind and HUP would kill the
trainer in the middle of a batch. A watchdog ends the process even if the screen is stuck, which
happens when a link stalls: Textual's writer blocks, and with it the event loop.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
HUNG_UP = 128 + signal.SIGHUP
"""The exit code of a process whose terminal went away."""
DEADLINE = 5.0
"""Seconds for the run to end and the screen to close before the watchdog ends the process."""

_RESET = b"\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[<u"
"""Main screen, cursor, no mouse, no focus and paste reports, plain keyboard."""


_Settings = list[Any]
"""What ``termios.tcgetattr`` gives: flags, speeds and control characters."""


@contextmanager
def leaving_on_signals(
    leave: Callable[[int], None], last: Callable[[int], None] = lambda code: None
) -> Iterator[None]:
    """While inside, a signal calls ``leave(128 + signal)``, in the main thread, and only once.

    ``last`` is called with the same number if the process has to be ended by force.
    """
    terminal = _terminal_settings()
    leaving, left = threading.Event(), threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if leaving.is_set():
            return
        leaving.set()
        code = 128 + number
        threading.Thread(target=_watch, args=(code, terminal, left, last), daemon=True).start()
        leave(code)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        left.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(
    code: int, terminal: _Settings | None, left: threading.Event, last: Callable[[int], None]
) -> None:
    """End the process by force, unless the screen was left in time."""
    if not left.wait(DEADLINE):
        last(code)
        _restore(terminal)
        os._exit(code)


def _terminal_settings() -> _Settings | None:
    with suppress(termios.error, OSError, ValueError):
        return list(termios.tcgetattr(sys.__stdin__.fileno())) if sys.__stdin__ else None
    return None


def _restore(terminal: _Settings | None) -> None:
    if terminal is None:
        return
    with suppress(termios.error, OSError):
        # The terminal may be the reason for being late: do not wait for it.
        os.set_blocking(2, False)
        os.write(2, _RESET)
        termios.tcsetattr(0, termios.TCSANOW, terminal)
    with suppress(OSError):
        os.set_blocking(2, True)
