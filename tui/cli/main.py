"""The entry point of the command ``cnn-tui``.

It imports nothing before an interrupt is looked after: to import the commands takes 0.1 s.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def run() -> None:
    """The entry point of the installed script."""
    # Who starts it in the background may have it ignore interrupts.
    heeds = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeds:
        signal.signal(signal.SIGINT, _end_at_once)
    from cnn_tui.tui.terminal.streams import open_closed

    open_closed()
    from cnn_tui.tui.cli.line import run_line

    try:
        if heeds:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run_line(sys.argv[1:])
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    # From here on an interrupt can do no harm, and must not show a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(code)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """End a process that has begun nothing yet, without the traceback of an import."""
    os._exit(128 + number)


def main(args: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    from cnn_tui.tui.cli.line import run_line

    return run_line(args)
