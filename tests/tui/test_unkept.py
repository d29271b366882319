"""A last state that could not be kept, in real processes: exit code 1 and one line."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from children import start as start_process
from runs_made import PATIENCE
from terminal import Terminal
from test_sleeping_reader import LONG, TRAINS, last_step, wait_for
from test_streams import HELD_BACK

from cnn_tui.engine.runs.folder import RunFolder

pytestmark = pytest.mark.slow

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def begun(words: list[str], folder: RunFolder, most_bytes: int = -1) -> subprocess.Popen[str]:
    """A training that has begun, with files of at most so many bytes."""

    def bound() -> None:
        if most_bytes >= 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    process = start_process(
        [sys.executable, "-m", "cnn_tui.tui", *words, "--runs-dir", str(folder.path.parent)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=HELD_BACK,
        preexec_fn=bound,
    )
    if most_bytes < 0:
        wait_for(lambda: "run_started" in _text(folder.events_file), "start")
    else:
        # Of the first events none may fit, and what was written of them is taken back at once.
        wait_for(folder.metrics_file.exists, "files")
    return process


def says_so(process: subprocess.Popen[str], number: int) -> None:
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "could not be written" in err and err.count("\n") == 1


def remove(folder: RunFolder) -> None:
    """Away from its place in one move: the process writes into it all the time."""
    folder.path.rename(folder.path.parent.parent / "gone")
    shutil.rmtree(folder.path.parent.parent / "gone", ignore_errors=True)


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "quick.toml"
    path.write_text(LONG)
    return path


@pytest.mark.parametrize("number", SIGNALS)
def test_a_removed_folder(number: int, file: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "quick-1")
    with begun(["train", str(file)], folder) as process:
        remove(folder)
        says_so(process, number)


def test_no_space(file: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "quick-1")
    with begun(["train", str(file)], folder, most_bytes=3000) as process:
        says_so(process, signal.SIGTERM)


def test_resume_and_reproduce(file: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "quick-1")
    with begun(["train", str(file)], folder) as process:
        wait_for(lambda: last_step(folder) > 3, "steps")
        process.terminate()
        process.wait(PATIENCE)
    before = last_step(folder)
    with begun(["resume", "quick-1"], folder) as process:
        wait_for(lambda: last_step(folder) > before, "further steps")
        folder.checkpoints.rename(folder.path / "elsewhere")
        folder.checkpoints.write_text("")
        says_so(process, signal.SIGTERM)
    again = RunFolder(tmp_path / "runs" / "quick-2")
    with begun(["reproduce", "quick-1"], again) as process:
        remove(again)
        says_so(process, signal.SIGTERM)


@pytest.mark.parametrize("ends", ["signal", "key"])
def test_the_app(start: Callable[..., Terminal], file: Path, tmp_path: Path, ends: str) -> None:
    terminal = start(TRAINS.format(words=[str(file)]), XDG_DATA_HOME=str(tmp_path))
    terminal.shows("fits")
    terminal.press("\x1b[15~")
    folder = RunFolder(tmp_path / "cnn-tui" / "runs" / "quick-1")
    wait_for(lambda: terminal.read() and folder.metrics_file.exists(), "run")
    wait_for(lambda: terminal.read() and last_step(folder) > 3, "steps")
    remove(folder)
    if ends == "signal":
        terminal.process.terminate()
    else:
        terminal.press("q")
        terminal.shows("A run is active")
        terminal.press("y")
    assert terminal.exit_code() == 1
    assert terminal.is_restored()
    after = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "The end of the run quick-1 could not be written" in after
    assert after.count("\n") == 1


def test_a_terminal_that_takes_not_even_the_last_line(
    start: Callable[..., Terminal], file: Path, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "runs" / "quick-1")
    words = ["train", str(file), "--runs-dir", str(folder.path.parent)]
    terminal = start(TRAINS.format(words=words))
    terminal.shows("  train ")
    terminal.stall()
    remove(folder)
    terminal.process.terminate()
    assert terminal.process.wait(PATIENCE) == 1
    terminal.recover()
