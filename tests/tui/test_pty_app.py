"""The app in a real terminal: what reaches it, and how it is left behind."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator

import pyte
import pytest

SIZE = (80, 24)
PATIENCE = 60.0
"""Seconds for anything to happen at all; nothing here tests how fast it does."""

APP = """
import sys
from cnn_tui.tui.app import run_app
sys.exit(run_app(None, None))
"""

TRAINING = """
import sys
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import Network, Training
from cnn_tui.tui.app import run_app
network = Network(
    layers=(Conv(out_channels=8), FC(out_features=10)), training=Training(epochs=100_000)
)
sys.exit(run_app(network, None))
"""

STUBBORN = """
import sys, time
import cnn_tui.tui.app as app
import cnn_tui.tui.session as session
import cnn_tui.tui.shutdown as shutdown
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network

def deaf(network, control, emit, **places):
    time.sleep(1000)

app.train = deaf
app.DEADLINE = shutdown.DEADLINE = 0.5
sys.exit(app.run_app(Network(layers=(FC(out_features=10),)), None))
"""


OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
"""Makes the pty the program's controlling terminal, whose end is then its hang-up."""


class Terminal:
    """A pty with a program in it and an emulator that reads what it writes."""

    def __init__(self, program: str) -> None:
        self.screen = pyte.Screen(*SIZE)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.fd, inner = pty.openpty()
        self.name = os.ttyname(inner)
        self.resize(*SIZE)
        self.modes = termios.tcgetattr(self.fd)
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL + program],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLORTERM": "",
                "PYTHONWARNINGS": "error",
            },
        )
        os.close(inner)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def stall(self) -> None:
        """Stop the output for good, as a dead link does: writing blocks from now on."""
        inner = os.open(self.name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(inner, termios.TCOOFF)
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
                pytest.fail(f"no {what}; the screen is\n" + "\n".join(self.screen.display))

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
        """Main screen, cursor, no mouse, and the line discipline as it was."""
        last = {
            mode: max(self.raw.rfind(mode + b"h"), -1) < self.raw.rfind(mode + b"l")
            for mode in (b"\x1b[?1049", b"\x1b[?1000", b"\x1b[?2004")
        }
        cursor = self.raw.rfind(b"\x1b[?25l") < self.raw.rfind(b"\x1b[?25h")
        return all(last.values()) and cursor and self._flags() == self.modes[:4]

    def _flags(self) -> list[object]:
        return list(termios.tcgetattr(self.fd)[:4])

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


Start = Callable[[str], Terminal]


@pytest.fixture
def start() -> Iterator[Start]:
    terminals: list[Terminal] = []

    def begin(program: str) -> Terminal:
        terminals.append(Terminal(program))
        return terminals[-1]

    yield begin
    for terminal in terminals:
        terminal.close()


def test_it_opens_paints_and_quits(start: Start) -> None:
    terminal = start(APP)
    terminal.shows("o opens a preset")
    assert b"\x1b[?1049h" in terminal.raw
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.is_restored()


def test_a_network_is_built_and_trained_by_typing(start: Start) -> None:
    terminal = start(APP)
    terminal.shows("o opens a preset")
    for number, kind in enumerate(("conv", "relu", "fc"), start=1):
        terminal.press("i")
        terminal.shows("Insert a layer")
        terminal.press(f"{kind}\r")
        terminal.shows(f"> {number:2} {kind}")
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("done: test ")
    terminal.press("q")
    terminal.shows("unsaved changes")
    terminal.press("y")
    assert terminal.exit_code() == 0
    assert terminal.is_restored()


def test_nothing_is_sent_when_nothing_changes(start: Start) -> None:
    terminal = start(TRAINING)
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("training")
    terminal.press(" ")
    terminal.shows("paused: space resumes")
    for _ in range(10):  # the last of what was under way
        terminal.read()
    sent = len(terminal.raw)
    for _ in range(10):
        terminal.read(0.2)
    assert len(terminal.raw) == sent


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_in_the_middle_of_a_run_ends_it_in_order(
    start: Start, number: signal.Signals, code: int
) -> None:
    terminal = start(TRAINING)
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("training")
    terminal.process.send_signal(number)
    assert terminal.exit_code() == code
    assert terminal.is_restored()
    assert b"Traceback" not in terminal.raw


def test_a_signal_before_the_first_screen(start: Start) -> None:
    terminal = start("print('ready', flush=True)" + APP)
    terminal.until(lambda: b"ready" in terminal.raw, "start")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.exit_code() in (143, -signal.SIGTERM)


def test_a_terminal_that_goes_away_ends_the_program(start: Start) -> None:
    terminal = start(TRAINING)
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("training")
    os.close(terminal.fd)
    terminal.fd = os.open(os.devnull, os.O_RDWR)
    assert terminal.process.wait(PATIENCE) == 129


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_trainer_that_does_not_listen_cannot_keep_the_program(
    start: Start, number: signal.Signals
) -> None:
    terminal = start(STUBBORN)
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("starting")
    terminal.process.send_signal(number)
    assert terminal.exit_code() == 128 + number
    assert terminal.is_restored()


def test_a_link_that_stalls_does_not_hold_a_signal_back(start: Start) -> None:
    terminal = start("import cnn_tui.tui.shutdown as s; s.DEADLINE = 1" + TRAINING)
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("training")
    terminal.stall()
    for _ in range(40):
        terminal.press("12")
        time.sleep(0.05)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(PATIENCE) == 143
