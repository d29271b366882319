"""A link that is slow and loses packets: 150 ms each way, and bursts that arrive late."""

from __future__ import annotations

import os
import re
import select
import time
from collections import deque
from collections.abc import Callable

import pytest
from terminal import PATIENCE, Terminal

pytestmark = pytest.mark.slow

Start = Callable[..., Terminal]

APP = """
import sys
from cnn_tui.tui.cli.main import run
sys.argv = ["cnn-tui"]
run()
"""
DELAY, RETRY = 0.15, 0.45
"""Seconds of a packet, and of one that was lost and is sent again."""
LOST_EVERY = 12
"""One of so many packets is lost; those behind it wait, as TCP keeps the order."""
CLEARS = re.compile(rb"\x1b\[[0-3]?J|\x1b\[\?1049|\x1bc")
F5 = b"\x1b[15~"


class SlowLink:
    """Delays what goes in and out of a terminal, in order."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._up, self._down = deque[tuple[float, bytes]](), deque[tuple[float, bytes]]()
        self._sent = 0
        self.arrived = b""
        self.watch: Callable[[], None] = lambda: None
        """Called after each packet that reached the screen."""

    def type(self, keys: bytes) -> None:
        """Type without looking at the screen; each key is a packet."""
        for key in re.findall(rb"\x1b\[[\d;]*[A-Za-z~]|.", keys, re.DOTALL):
            self._send(self._up, key)

    def until(self, text: str) -> None:
        """Let the link work until the screen shows a text."""
        end = time.monotonic() + PATIENCE
        while not any(text in row for row in self.terminal.screen.display):
            assert time.monotonic() < end, "\n".join(self.terminal.screen.display)
            self._work()

    def _send(self, way: deque[tuple[float, bytes]], data: bytes) -> None:
        self._sent += 1
        due = time.monotonic() + (DELAY if self._sent % LOST_EVERY else DELAY + RETRY)
        way.append((max(due, way[-1][0] if way else 0.0), data))

    def _work(self) -> None:
        fd = self.terminal.fd
        if select.select([fd], [], [], 0.01)[0]:
            self._send(self._down, os.read(fd, 1400))
        while self._up and self._up[0][0] <= time.monotonic():
            os.write(fd, self._up.popleft()[1])
        while self._down and self._down[0][0] <= time.monotonic():
            data = self._down.popleft()[1]
            self.arrived += data
            self.terminal.stream.feed(data)
            self.watch()


def test_nothing_typed_ahead_is_lost_and_nothing_flickers(start: Start) -> None:
    terminal = start(APP, SSH_CONNECTION="1.1.1.1 1 2.2.2.2 22")
    link = SlowLink(terminal)
    link.until("F5 train")
    painted = len(link.arrived)
    titles: set[str] = set()
    link.watch = lambda: titles.add(terminal.screen.display[0][:8])
    link.type(b"olenet5\r")
    link.type(b"\x1b[B\x1b[B/conv 32 3x3 pad same | relu\r")
    link.until("32 3x3 same")
    link.until("lenet5*")
    link.type(b"u")
    link.type(b"odigits-convnet\r")
    link.until("digits-convnet")
    link.type(F5)
    link.until("train 0.")
    link.type(b"g")
    link.until("loss log")
    link.type(b"1")
    link.until("[1 Build]")
    assert not CLEARS.search(link.arrived[painted:]), "the screen was cleared"
    assert titles == {"[1 Build", " 1 Build"}, "the header vanished for a moment"
