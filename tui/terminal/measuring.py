"""How wide the terminal draws a character, asked of the terminal itself."""

from __future__ import annotations

import os
import re
import select
import sys

_PATIENCE = 0.5
"""Seconds for the answer, which over a slow link takes a round trip."""
_ANSWER = re.compile(rb"\x1b\[\d+;(\d+)R")


def width_of(glyph: str) -> int | None:
    """Columns that ``glyph`` takes; None if the terminal does not say.

    It is drawn at the start of the line and erased again; the cursor's place is asked for between
    (ECMA-48, device status report 6).
    """
    if sys.platform == "win32" or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    import termios
    import tty

    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    try:
        tty.setcbreak(file)
        sys.stdout.write(f"\r{glyph}\x1b[6n")
        sys.stdout.flush()
        column = _column(file)
    finally:
        termios.tcsetattr(file, termios.TCSANOW, before)
        sys.stdout.write("\r\x1b[K")
        sys.stdout.flush()
    return column - 1 if column else None


def _column(file: int) -> int | None:
    got = b""
    while select.select([file], [], [], _PATIENCE)[0]:
        got += os.read(file, 64)
        if found := _ANSWER.search(got):
            return int(found[1])
    return None
