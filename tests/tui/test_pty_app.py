"""The app in a real terminal: what reaches it, and how it is left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest
from terminal import PATIENCE, Terminal

APP = """
import sys
from cnn_tui.tui.cli.app import run_app
sys.exit(run_app(None, None))
"""

TRAINING = """
import sys
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.tui.cli.app import run_app
network = Network(
    layers=(Conv(out_channels=8), FC(out_features=10)), training=Recipe(epochs=100_000)
)
sys.exit(run_app(network, None))
"""

STUBBORN = """
import sys, time
import cnn_tui.tui.cli.app as app
import cnn_tui.tui.session as session
import cnn_tui.tui.terminal.shutdown as shutdown
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network

def deaf(network, control, emit, **places):
    time.sleep(1000)

app.train = deaf
app.DEADLINE = shutdown.DEADLINE = 0.5
sys.exit(app.run_app(Network(layers=(FC(out_features=10),)), None))
"""


Start = Callable[..., Terminal]


def test_it_opens_paints_and_quits(start: Start) -> None:
    terminal = start(APP)
    terminal.shows("o opens a preset")
    assert b"\x1b[?1049h" in terminal.raw
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.is_restored()


@pytest.mark.slow
def test_a_network_is_built_and_trained_by_typing(start: Start) -> None:
    terminal = start(APP)
    terminal.shows("o opens a preset")
    for number, kind in enumerate(("conv", "relu", "fc"), start=1):
        back = "" if kind == "relu" else "\x1b"  # from the form of a layer with settings
        terminal.press(f"i{kind}\r{back}")  # faster than any window opens
        terminal.shows(f"> {number:2} {kind}")
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("done: test ")
    terminal.press("q")
    terminal.shows("unsaved changes")
    terminal.press("y")
    assert terminal.exit_code() == 0
    assert terminal.is_restored()


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_link_that_stalls_does_not_hold_a_signal_back(start: Start) -> None:
    terminal = start("import cnn_tui.tui.terminal.shutdown as s; s.DEADLINE = 1" + TRAINING)
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("training")
    terminal.stall()
    for _ in range(40):
        terminal.press("12")
        time.sleep(0.05)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(PATIENCE) == 143
