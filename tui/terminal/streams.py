"""The three standard streams: always open, and never the reason why a process cannot end."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from cnn_tui.tui.terminal.modes import has_hung_up

_NAMES = ("stdin", "stdout", "stderr")


def open_closed() -> None:
    """Open os.devnull on each standard stream that the process was started without.

    Otherwise the next opened file would become standard output.
    """
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is this one: those below it are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        stream = open(number, "w" if number else "r", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def finish(*, wait: bool = True) -> None:
    """Flush the output streams, and discard what cannot be written.

    Otherwise the interpreter would try again at its end and exit with 120. Without ``wait``
    everything is discarded, as a stopped reader would delay the process.
    """
    for stream in _outputs():
        with suppress(OSError):
            if wait:
                stream.flush()
                continue
        with suppress(OSError), Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())
            stream.flush()


def is_hang_up(error: BaseException) -> bool:
    """Whether a write failed because the terminal was closed."""
    return isinstance(error, OSError) and error.errno == errno.EIO and terminal_is_gone()


def terminal_is_gone() -> bool:
    """Whether a standard stream is a terminal that was closed."""
    return any(map(has_hung_up, range(3)))


def _outputs() -> Iterator[TextIO]:
    yield from filter(None, (sys.stdout, sys.stderr))
