"""The modes of a terminal, as the system keeps them; Windows has consoles in their place."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Any

Modes = list[Any]
"""The result of ``termios.tcgetattr``: flags, speeds and control characters."""

if sys.platform == "win32":

    def read_modes() -> Modes | None:
        return None

    def restore_modes(modes: Modes | None, reset: bytes) -> None:
        return None

    def has_hung_up(descriptor: int) -> bool:
        return False

else:
    import termios

    def read_modes() -> Modes | None:
        """The modes of standard input; None if it is no terminal."""
        with suppress(termios.error, OSError, ValueError):
            return list(termios.tcgetattr(sys.__stdin__.fileno())) if sys.__stdin__ else None
        return None

    def restore_modes(modes: Modes | None, reset: bytes) -> None:
        """Send ``reset`` to the terminal and set its modes, without waiting for it."""
        if modes is None:
            return
        with suppress(termios.error, OSError):
            # The terminal may be the cause of the delay: do not wait for it.
            os.set_blocking(2, False)
            os.write(2, reset)
            termios.tcsetattr(0, termios.TCSANOW, modes)
        with suppress(OSError):
            os.set_blocking(2, True)

    def has_hung_up(descriptor: int) -> bool:
        """Whether the terminal behind a descriptor was closed."""
        try:
            termios.tcgetattr(descriptor)
        except termios.error as error:
            return bool(error.args[0] == errno.EIO)
        return False
