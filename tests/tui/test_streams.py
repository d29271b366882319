"""Exit codes where the standard streams are closed, full or gone: real processes."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from children import run
from children import start as start_process
from runs_made import PATIENCE, QUICK

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.training.events import RunEnded

pytestmark = pytest.mark.slow

CNN_TUI = f"{sys.executable} -m cnn_tui.tui"
HELD_BACK = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""As on a bare machine: what is not flushed is written when the interpreter ends."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "quick.toml"
    path.write_text(QUICK)
    return path


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return run(["sh", "-c", line], check=False, env=HELD_BACK)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_exit_code(closed: str, file: Path, tmp_path: Path) -> None:
    assert shell(f"{CNN_TUI} presets {closed}").returncode == 0
    assert shell(f"{CNN_TUI} check nothing.toml {closed}").returncode == 1
    assert shell(f"{CNN_TUI} check {closed}").returncode == 2
    done = shell(f"{CNN_TUI} train {file} --runs-dir {tmp_path}/runs {closed}")
    assert (done.returncode, done.stderr) == (0, "")
    *_, last = read_events(RunFolder(tmp_path / "runs" / "quick-1").events_file)
    assert isinstance(last, RunEnded) and last.reason == "completed"


def test_no_file_takes_the_place_of_a_closed_stream(file: Path, tmp_path: Path) -> None:
    shell(f"{CNN_TUI} train {file} --runs-dir {tmp_path}/runs >&- 2>&-")
    folder = RunFolder(tmp_path / "runs" / "quick-1")
    assert all(line.startswith("{") for line in folder.events_file.read_text().splitlines())
    assert folder.lock_file.read_bytes() == b""


@pytest.mark.parametrize(
    "words", ["presets", "--help", "runs --runs-dir {0}", "export quick-1 --runs-dir {0}"]
)
def test_a_full_disk_under_the_output_is_one_line(words: str, file: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shell(f"{CNN_TUI} train {file} --runs-dir {runs}")
    done = shell(f"{CNN_TUI} {words.format(runs)} >/dev/full")
    assert (done.returncode, done.stderr) == (1, "cnn-tui: error: No space left on device\n")


def test_errors_that_cannot_be_written_keep_their_exit_code() -> None:
    assert shell(f"{CNN_TUI} check nothing.toml 2>/dev/full").returncode == 1
    assert shell(f"{CNN_TUI} check 2>/dev/full").returncode == 2
    assert shell(f"{CNN_TUI} presets 2>/dev/full").returncode == 0


def test_a_removed_working_folder_is_one_line_at_most(file: Path, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    gone = f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && {CNN_TUI}"
    done = shell(f"{gone} train {file} --runs-dir {tmp_path}/runs")
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "gone").mkdir()
    done = shell(f"{gone} train quick.toml")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


INTERRUPTED = """
import os, signal, sys
from importlib.abc import MetaPathFinder
from cnn_tui.tui.cli.main import run

class Interrupt(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)

wanted = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupt())
run()
"""


@pytest.mark.parametrize("module", ["cnn_tui.tui.cli.line", "click", "cnn_tui.tui.cli.presets"])
def test_an_interrupt_of_the_start_shows_no_traceback(module: str) -> None:
    done = run([sys.executable, "-c", INTERRUPTED, module, "presets"], check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


class Hung:
    """A command on a terminal that goes away; with ``owned`` the system sends it HUP as well."""

    def __init__(self, *words: object, owned: bool, term: str = "dumb") -> None:
        self.fd, inner = pty.openpty()
        own = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n" if owned else ""
        command = "import sys; from cnn_tui.tui.cli.main import run; run()"
        self.process = start_process(
            [sys.executable, "-c", own + command, *map(str, words)],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**HELD_BACK, "TERM": term},
        )
        os.close(inner)

    def ends_with(self, shown: bytes = b"") -> int:
        """The exit code after the terminal has shown something and gone away."""
        seen = os.read(self.fd, 1)
        while shown not in seen:
            seen += os.read(self.fd, 65536)
        os.close(self.fd)
        return self.process.wait(PATIENCE)


@pytest.fixture
def trained(file: Path, tmp_path: Path) -> Path:
    """The folder of a run that goes on for hours."""
    file.write_text(QUICK.replace("epochs = 3", "epochs = 50000"))
    process = start_process(
        [*CNN_TUI.split(), "train", str(file), "--runs-dir", str(tmp_path / "runs"), "--json"],
        stdout=subprocess.PIPE,
        env=HELD_BACK,
    )
    assert process.stdout is not None and process.stdout.readline()
    return tmp_path / "runs"


@pytest.mark.parametrize("owned", [True, False])
def test_a_terminal_that_goes_away_is_a_hang_up(owned: bool, trained: Path, file: Path) -> None:
    hung_up = 128 + signal.SIGHUP
    training = Hung("train", file, "--log-every", 0.01, "--runs-dir", trained, owned=owned)
    assert training.ends_with() == hung_up
    watching = Hung("watch", "quick-1", "--runs-dir", trained, owned=owned)
    assert watching.ends_with() == hung_up


@pytest.mark.parametrize("owned", [True, False])
@pytest.mark.parametrize("words", [(), ("watch", "quick-1")], ids=["app", "watch"])
def test_a_terminal_that_goes_away_ends_the_app(
    owned: bool, words: tuple[str, ...], trained: Path
) -> None:
    places = ("--runs-dir", trained) if words else ()
    app = Hung(*words, *places, owned=owned, term="xterm-256color")
    assert app.ends_with(b"Build") == 128 + signal.SIGHUP
