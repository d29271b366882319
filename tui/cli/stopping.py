"""Signals for a command without a screen: a training saves a checkpoint, others end at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from cnn_tui.engine.training.control import Control
from cnn_tui.tui.cli.output import paints, print_error
from cnn_tui.tui.terminal.shutdown import HANG_UP, SHOW_CURSOR, Watchdog

_SAYING = 1.0
"""Seconds that the last line of a stuck process may take on standard error."""
_UNKEPT = "The run did not end in time and was ended by force; its last checkpoint may be missing."


class Ending:
    """The end of a training, and the watchdog that enforces it."""

    def __init__(self, control: Control) -> None:
        self._control, self._number = control, 0
        self._over, self._error = False, _UNKEPT
        self._watchdog = Watchdog(self._speak, SHOW_CURSOR if paints(sys.stdout) else b"")

    @property
    def code(self) -> int:
        """128 plus the number of the first signal; 0 if none came."""
        return 128 + self._number if self._number else 0

    def handle(self, number: int) -> None:
        """Stop the training; end the process at once if that is over, or on a second INT."""
        if self._over or number == self._number == signal.SIGINT:
            # Neither a batch nor another thread may delay a second interrupt.
            os._exit(self.code or 128 + number)
        if not self._number:
            self._number = number
            self._watchdog.start(self.code)
        self._control.stop()

    def is_over(self, error: str = "") -> None:
        """Record that nothing is left to write; ``error`` says what went wrong."""
        self._over, self._error = True, error
        if error:
            self._watchdog.code = 1

    def enforce(self) -> NoReturn:
        """End the process now: it is stuck."""
        self._watchdog.end()

    def _speak(self, code: int) -> None:
        if self._error:
            self._watchdog.code = 1
            saying = threading.Thread(target=print_error, args=(self._error,), daemon=True)
            saying.start()
            saying.join(_SAYING)


@contextmanager
def stopped_by_signals(control: Control) -> Iterator[Ending]:
    """Stop after the current batch on INT, TERM or HUP, and enforce that the process ends."""
    ending = Ending(control)
    before = _handle(ending.handle)
    try:
        yield ending
    finally:
        # A process that is ending keeps the code of its first signal.
        if not ending.code:
            _restore(before)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """End at once on INT, TERM or HUP, even during a blocked write."""
    before = _handle(lambda number: os._exit(128 + number))
    try:
        yield
    finally:
        _restore(before)


_Handlers = dict[signal.Signals, Any]


def _handle(act: Callable[[int], None]) -> _Handlers:
    def handle(number: int, frame: FrameType | None) -> None:
        act(number)

    return {number: signal.signal(number, handle) for number in _signals()}


def _restore(before: _Handlers) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)


def _signals() -> Iterator[signal.Signals]:
    yield signal.SIGINT
    yield signal.SIGTERM
    # Under nohup HUP is ignored, and must stay so.
    if signal.getsignal(HANG_UP) != signal.SIG_IGN:
        yield HANG_UP
