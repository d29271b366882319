"""Runs that outlive the process that began them, and watchers that steer them: real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from children import start as start_process
from driving import text
from runs_made import PATIENCE, QUICK, until
from terminal import Terminal
from test_pty_app import TRAINING

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.lock import holder, writer_lives
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.runs.requests import Request, send
from cnn_tui.engine.training.events import BatchCompleted, RunEnded, RunStarted
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.messages import WatchRun
from cnn_tui.tui.screens.runs import RunsScreen
from cnn_tui.tui.screens.watch import WatchScreen

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
DETACHABLE = TRAINING.replace("Network(\n", 'Network(name="apart",\n')
CONTINUING = DETACHABLE.replace("(network, None)", '(network, None, on_hangup="continue")')


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return runs_home()


@pytest.fixture
def apart(home: Path) -> Iterator[RunFolder]:
    """The run that tests make; whoever trains it in the end is stopped."""
    folder = RunFolder(home / "apart-1")
    yield folder
    if writer_lives(folder.lock_file, folder.summary_file):
        send(folder, Request("stop"), PATIENCE)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"no {what}"
        time.sleep(0.05)


def steps(folder: RunFolder) -> list[int]:
    return [e.step for e in read_events(folder.metrics_file) if isinstance(e, BatchCompleted)]


def goes_on_without(folder: RunFolder, process: int) -> None:
    """Somebody else trains it, from where it was left, without a step lost or done twice."""

    def taken() -> bool:
        writer = holder(folder.lock_file)
        return writer is not None and writer.pid != process

    wait_for(taken, "other process")
    wait_for(
        lambda: any(
            isinstance(e, RunStarted) and e.from_step for e in read_events(folder.events_file)
        ),
        "start from a step",
    )
    started = [e for e in read_events(folder.events_file) if isinstance(e, RunStarted)][-1]
    wait_for(lambda: len(steps(folder)) > started.from_step + 3, "further steps")
    done = steps(folder)
    assert done == list(range(1, len(done) + 1))
    assert (folder.path / "headless.log").exists()


def test_detach_goes_on_and_the_app_watches(apart: RunFolder) -> None:
    terminal = Terminal(DETACHABLE)
    try:
        terminal.shows("[1 Build]")
        terminal.press("\x1b[15~")
        terminal.shows("images/s")
        terminal.press("d")
        terminal.shows("[3 Runs]")
        terminal.shows("apart-1")
        goes_on_without(apart, terminal.process.pid)
        terminal.shows("training")
        terminal.press("q")
        assert terminal.exit_code() == 0
        assert terminal.is_restored()
        assert b"resumes it from step" not in terminal.raw, "another process has it already"
        writer = holder(apart.lock_file)
        assert writer is not None and os.getsid(writer.pid) == writer.pid
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.fd)
    before = len(steps(apart))
    wait_for(lambda: len(steps(apart)) > before, "steps after the app has gone")


@pytest.mark.parametrize("program", [DETACHABLE, CONTINUING], ids=["stop", "continue"])
def test_a_hang_up_of_the_app(apart: RunFolder, program: str) -> None:
    terminal = Terminal(program)
    terminal.shows("[1 Build]")
    terminal.press("\x1b[15~")
    terminal.shows("images/s")
    os.close(terminal.fd)
    assert terminal.process.wait(PATIENCE) == 129
    if program == CONTINUING:
        goes_on_without(apart, terminal.process.pid)
    else:
        assert holder(apart.lock_file) is None
        assert not (apart.path / "headless.log").exists()


def start_training(tmp_path: Path, *options: str) -> tuple[subprocess.Popen[bytes], RunFolder]:
    file = tmp_path / "apart.toml"
    file.write_text(QUICK.replace("quick", "apart").replace("epochs = 3", "epochs = 50000"))
    root = tmp_path / "own"
    command = [sys.executable, "-m", "cnn_tui.tui", "train", str(file), "--runs-dir", str(root)]
    process = start_process([*command, *options], stdout=subprocess.DEVNULL)
    folder = RunFolder(root / "apart-1")
    wait_for(lambda: len(steps(folder)) > 3, "steps")
    return process, folder


def test_a_hang_up_of_a_training(tmp_path: Path) -> None:
    board = tmp_path / "tb"
    process, folder = start_training(tmp_path, "--on-hangup=continue", "--tensorboard", str(board))
    process.send_signal(signal.SIGHUP)
    assert process.wait(PATIENCE) == 129
    goes_on_without(folder, process.pid)
    assert "stops" in send(folder, Request("stop"), PATIENCE)
    wait_for(lambda: holder(folder.lock_file) is None, "end")
    *_, last = read_events(folder.events_file)
    assert isinstance(last, RunEnded) and last.reason == "stopped"
    assert len(list((board / "apart-1" / "train").iterdir())) == 2


async def test_a_live_run_is_watched_and_steered(make_app: MakeApp, tmp_path: Path) -> None:
    process, folder = start_training(tmp_path)
    app = make_app()
    app.places.runs, app.watched = folder.path.parent, WatchRun(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WatchScreen))
        await until(pilot, lambda: "training" in text(app, "#status"))
        await pilot.press("space")
        await until(pilot, lambda: "paused" in text(app, "#status"))
        await pilot.press("space")
        await until(pilot, lambda: "training" in text(app, "#status"))
        await pilot.press("l", *["backspace"] * 12, *"0.0042", "enter")
        await until(pilot, lambda: "0.0042" in text(app, "#figures"))
        await pilot.press("l", *["backspace"] * 12, *"-1", "enter", "x", "escape")
        assert process.poll() is None
        process.kill()
        process.wait()
        await until(pilot, lambda: "crashed: after step" in text(app, "#status"))
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)
    other = start_again(folder)
    app = make_app()
    app.places.runs, app.watched = folder.path.parent, WatchRun(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WatchScreen))
        await until(pilot, lambda: "training" in text(app, "#status"))
        await pilot.press("x", "y")
        await until(pilot, lambda: "stopped: in epoch" in text(app, "#status"))
    assert other.wait(PATIENCE) == 0


def start_again(folder: RunFolder) -> subprocess.Popen[bytes]:
    words = ["resume", folder.name, "--runs-dir", str(folder.path.parent)]
    command = [sys.executable, "-m", "cnn_tui.tui", *words]
    process = start_process(command, stdout=subprocess.DEVNULL)
    wait_for(lambda: writer_lives(folder.lock_file, folder.summary_file), "trainer")
    return process
