"""What only a process of its own can show: signals, broken pipes, terminals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from children import run, start

pytestmark = pytest.mark.slow

LONG = """
name = "long"
input = [1, 8, 8]

[[layers]]
type = "fc"
out_features = 10

[training]
epochs = 100000
"""
CNN_TUI = [sys.executable, "-m", "cnn_tui.tui"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "long.toml"
    path.write_text(LONG)
    return path


def started(file: Path, **how: object) -> subprocess.Popen[str]:
    """A training that has begun and would go on for hours."""
    process = start(
        [*CNN_TUI, "train", str(file), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        **how,
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["event"] == "run_started"
    process.stdout.readline()
    return process


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signal_ends_the_run_in_order(file: Path, number: int, code: int) -> None:
    process = started(file)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err == ""
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["reason"]) == ("run_ended", "stopped")
    assert last["step"] > 0 and last["test_accuracy"] is None


def test_second_interrupt_ends_at_once(file: Path) -> None:
    with started(file) as process:
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    # A signal may meet the interpreter's own end: to a shell both are 130.
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err


def test_hangup_under_nohup_is_ignored(file: Path) -> None:
    process = started(file, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    assert process.stdout is not None
    for _ in range(3):
        assert json.loads(process.stdout.readline())["event"] != "run_ended"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


def test_reader_that_goes_away_ends_the_run_quietly(file: Path) -> None:
    with started(file) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 128 + signal.SIGPIPE


def test_full_disk_is_said_in_one_line(file: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = run([*CNN_TUI, "train", str(file)], stdout=full, check=False)
    assert done.returncode == 1
    assert done.stderr == "cnn-tui: error: No space left on device\n"


DUMB = pytest.mark.parametrize("term", ["dumb", ""])


@DUMB
@pytest.mark.parametrize(
    "words", [["train"], ["train", "--log-every", "0.01"], ["check"], ["preflight"]]
)
def test_dumb_terminal_gets_no_escape_sequence(words: list[str], term: str, file: Path) -> None:
    file.write_text(LONG.replace("100000", "3"))
    code, screen = on_terminal([*words, str(file)], TERM=term)
    assert code == 0 and screen
    assert "\x1b" not in screen


@DUMB
def test_dumb_terminal_gets_no_bar_for_what_takes_long(term: str) -> None:
    code, screen = on_terminal(["baselines", "--only", "knn", "--only", "linear-svm"], TERM=term)
    assert code == 0 and "linear-svm" in screen
    assert "\x1b" not in screen


@DUMB
def test_dumb_terminal_gets_plain_lines_instead_of_the_app(term: str, file: Path) -> None:
    file.write_text(LONG.replace("100000", "1"))
    code, screen = on_terminal([str(file)], TERM=term)
    assert code == 0
    assert "no terminal here" in screen and "test loss" in screen
    assert "\x1b" not in screen


def test_terminal_gets_a_progress_bar_and_is_left_in_order(file: Path) -> None:
    file.write_text(LONG.replace("100000", "3"))
    code, screen = on_terminal(["train", str(file)], TERM="xterm-256color", COLUMNS="100")
    assert code == 0
    assert "epoch   3" in screen and "test loss" in screen
    assert screen.count("\x1b[?25l") == screen.count("\x1b[?25h") > 0


def test_the_ladder_goes_to_standard_output_whatever_shows_its_progress(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = ["baselines", "--only", "linear-svm", "--epochs", "2", "--runs-dir", str(tmp_path)]
    process = start(
        [*CNN_TUI, *words, "--json"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color"},
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert json.loads(out)["baseline"] == "linear-svm"


def on_terminal(args: list[str], **environment: str) -> tuple[int, str]:
    """Run on a pty of its own; exit code and everything that was painted."""
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = start([*CNN_TUI, *args], env=os.environ | environment, **streams)
    os.close(theirs)
    painted = bytearray()
    while chunk := _read(ours):
        painted += chunk
    os.close(ours)
    return process.wait(timeout=60), painted.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""
