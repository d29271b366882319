"""The terminal after the app: as it was, whatever ended it, in bytes and in a real tmux."""

from __future__ import annotations

import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from children import run
from terminal import PATIENCE, Terminal

from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.folder import RunFolder

Start = Callable[..., Terminal]

APP = """
from cnn_tui.tui.cli.main import run
run()
"""
CRASH = """
import cnn_tui.tui.app as app
def crash(self):
    raise ValueError("a [mistake] in the app")
app.CnnTuiApp.action_help = crash
"""
PATIENT = """
import cnn_tui.tui.terminal.shutdown as shutdown
shutdown.DEADLINE = 60
"""
STUCK = """
import time
import cnn_tui.tui.app as app, cnn_tui.tui.terminal.shutdown as shutdown
shutdown.DEADLINE = 0.5
app.CnnTuiApp.action_help = lambda self: time.sleep(1000)
"""


def test_nothing_is_sent_after_the_screen_is_left(start: Start) -> None:
    terminal = start(APP)
    terminal.shows("fits")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.is_restored()
    assert terminal.raw.endswith(b"\x1b[?1049l")


def test_after_a_crash_one_line_is_printed_on_the_restored_screen(start: Start) -> None:
    terminal = start(CRASH + APP)
    terminal.shows("fits")
    terminal.press("?")
    assert terminal.exit_code() == 1
    assert terminal.is_restored()
    printed = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert printed == (
        "cnn-tui: error: an internal error of cnn-tui, which should be reported: "
        "ValueError: a [mistake] in the app (--debug shows where)\r\n"
    )


@pytest.mark.slow
def test_a_crash_beside_a_training_keeps_its_run(start: Start, tmp_path: Path) -> None:
    # Other tests may keep the disk busy for longer than the app waits for its run.
    terminal = start(CRASH + PATIENT + APP, XDG_DATA_HOME=str(tmp_path))
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    terminal.shows("images/s")
    terminal.press("?")
    assert terminal.exit_code() == 1
    assert terminal.is_restored()
    printed = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "internal error" in printed and printed.count("\n") <= 2
    (folder,) = (tmp_path / "cnn-tui" / "runs").iterdir()
    # The last state or, right after an epoch that was the best, that of this epoch.
    (step,) = re.findall("resumes it from step ([0-9,]+)", printed)
    assert int(step.replace(",", "")) in {kept.step for kept in kept_states(RunFolder(folder))}


def test_an_app_that_is_stuck_is_ended_with_every_mode_reset(start: Start) -> None:
    terminal = start(STUCK + APP)
    terminal.shows("fits")
    terminal.press("?")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.exit_code() == 143
    assert terminal.is_restored()


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A shell in a tmux of its own, and what tells it something."""
    program = shutil.which("tmux") or pytest.skip("tmux is not installed")
    server = [program, "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]

    def tell(*words: str) -> str:
        return run([*server, *words]).stdout

    shell = "env PS1='$ ' sh"
    tell("new-session", "-d", "-x", "80", "-y", "24", shell)
    yield tell
    tell("kill-server")


def _until(tmux: Callable[..., str], pattern: str) -> list[str]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        rows = tmux("capture-pane", "-p").rstrip("\n").split("\n")
        if any(re.match(pattern, row) for row in rows):
            return rows
        time.sleep(0.05)
    pytest.fail(f"no {pattern!r} in\n" + "\n".join(rows))


@pytest.mark.slow
@pytest.mark.parametrize("end", ["q", "TERM", "HUP", "INT"])
def test_in_tmux_the_prompt_is_on_the_line_below_the_command(
    tmux: Callable[..., str], end: str
) -> None:
    def typed(line: str) -> None:
        tmux("send-keys", "-l", line)
        tmux("send-keys", "Enter")

    _until(tmux, r"\$")
    typed("echo before; echo below")
    _until(tmux, "below")
    typed(f"{sys.executable} -m cnn_tui.tui --color 256; echo ended: $?")
    _until(tmux, ".*fits")
    if end == "q":
        tmux("send-keys", "q")
    else:
        shell = tmux("display-message", "-p", "#{pane_pid}").strip()
        run(["kill", f"-{end}", run(["pgrep", "-P", shell]).stdout.strip()])
    code = {"q": 0, "TERM": 143, "HUP": 129, "INT": 130}[end]
    rows = _until(tmux, f"ended: {code}")
    assert rows[1:3] == ["before", "below"]
    assert rows[-2:] == [f"ended: {code}", "$"]
    assert sum(map(len, rows[3:-2])) < 200  # the command, wrapped, and nothing else
    modes = "#{alternate_on} #{cursor_flag} #{wrap_flag} #{mouse_any_flag} #{mouse_sgr_flag}"
    assert tmux("display-message", "-p", modes).split() == ["0", "1", "1", "0", "0"]
