"""A program in a real terminal, for tests: a pty and an emulator that reads it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
from children import start

SIZE = (80, 24)
PATIENCE = 60.0
"""Seconds for anything to happen at all; nothing here tests how fast it does."""

_MODE = re.compile(rb"\x1b\[\?(\d+)([hl])")
_SET_BEFORE = (b"7", b"25")
"""Lines that wrap, and the cursor; all other modes are off in a shell."""
_PUSHED = re.compile(rb"\x1b\[>\d+u")
"""Modes of the keyboard, laid on a pile."""

OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
"""Makes the pty the program's controlling terminal, whose end is then its hang-up."""
TELLS_STACKS = """
import faulthandler, signal
faulthandler.register(signal.SIGUSR1, open({file!r}, "w"))
"""
"""Lets the program say where each of its threads stands."""


class Terminal:
    """A pty with a program in it and an emulator that reads what it writes."""

    def __init__(self, program: str, **environ: str) -> None:
        self.screen = pyte.Screen(*SIZE)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.fd, inner = pty.openpty()
        self.name = os.ttyname(inner)
        self.resize(*SIZE)
        self.modes = termios.tcgetattr(self.fd)
        self._stacks = Path(tempfile.mkstemp(suffix=".stacks")[1])
        self.process = start(
            [
                sys.executable,
                "-c",
                OWN_TERMINAL + TELLS_STACKS.format(file=str(self._stacks)) + program,
            ],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLORTERM": "",
                "PYTHONWARNINGS": "error",
                **environ,
            },
        )
        os.close(inner)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def stall(self) -> None:
        """Stop the output, as a dead link does: writing blocks from now on."""
        self._flow(termios.TCOOFF)

    def recover(self) -> None:
        """Let the output through again."""
        self._flow(termios.TCOON)

    def _flow(self, action: int) -> None:
        inner = os.open(self.name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(inner, action)
        os.close(inner)

    def read(self, seconds: float = 0.1) -> bool:
        """Take in what there is; False when the program has closed the terminal."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or not self.read():
                screen = "\n".join(self.screen.display)
                pytest.fail(f"no {what}; the screen is\n{screen}\nthe threads are\n{self.stacks()}")

    def stacks(self) -> str:
        """Where the threads of the program stand; empty if it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(1)
        return self._stacks.read_text()

    def shows(self, text: str) -> None:
        self.until(lambda: any(text in row for row in self.screen.display), f"{text!r}")

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def exit_code(self) -> int:
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, "the program does not end"
            self.read()
        while select.select([self.fd], [], [], 0)[0] and self.read():
            pass
        return self.process.returncode

    def is_restored(self) -> bool:
        """Whether each mode is as it was, and nothing steers the terminal after its last one."""
        screen, _, after = self.raw.rpartition(b"\x1b[?1049l")
        last = {found[1]: found[2] for found in _MODE.finditer(screen)}
        last.pop(b"1049", None)
        modes = all(
            set_to == (b"h" if mode in _SET_BEFORE else b"l") for mode, set_to in last.items()
        )
        keyboard = len(_PUSHED.findall(screen)) == screen.count(b"\x1b[<u")
        pointer = screen.count(b"\x1b]22;") == 0 or screen.rfind(b"\x1b]22;\x07") == screen.rfind(
            b"\x1b]22;"
        )
        left = modes and keyboard and pointer and b"\x1b" not in after
        return left and self._flags() == self.modes[:4]

    def _flags(self) -> list[object]:
        return list(termios.tcgetattr(self.fd)[:4])

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.fd)
        self._stacks.unlink(missing_ok=True)
