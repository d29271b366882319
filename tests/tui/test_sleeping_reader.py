"""Trainings whose output nobody takes: real processes, pipes and terminals."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from children import run
from children import start as start_process
from runs_made import PATIENCE, QUICK
from terminal import Terminal
from test_streams import HELD_BACK

from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.lock import holder
from cnn_tui.engine.training.events import BatchCompleted, RunEnded

pytestmark = pytest.mark.slow

SMALL_PIPE = 4096
SET_SIZE = 1031
"""F_SETPIPE_SZ: a few lines fill the pipe."""
LONG = QUICK.replace("epochs = 3", "epochs = 50000")
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


class Piped:
    """A command whose standard output is a small pipe that is read only when a test says so."""

    def __init__(self, *words: object) -> None:
        self.fd, inner = os.pipe()
        fcntl.fcntl(inner, SET_SIZE, SMALL_PIPE)
        self.process = start_process(
            [sys.executable, "-m", "cnn_tui.tui", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=inner,
            stderr=subprocess.PIPE,
            env=HELD_BACK,
        )
        self.inner = inner

    def is_full(self) -> bool:
        return not select.select([], [self.inner], [], 0)[1]

    def read(self) -> str:
        """Everything up to the end."""
        os.close(self.inner)
        with os.fdopen(self.fd, "rb") as file:
            return file.read().decode()

    def ends_with(self) -> tuple[int, str]:
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err.decode()


Start = Callable[..., Piped]


@pytest.fixture
def piped() -> Iterator[Start]:
    """Starts commands and ends them with the test."""
    made: list[Piped] = []

    def begin(*words: object) -> Piped:
        made.append(Piped(*words))
        return made[-1]

    yield begin
    for one in made:
        one.process.kill()
        one.process.wait()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"no {what}"
        time.sleep(0.02)


def last_step(folder: RunFolder) -> int:
    steps = [e.step for e in read_events(folder.metrics_file) if isinstance(e, BatchCompleted)]
    return steps[-1] if steps else 0


def told(folder: RunFolder) -> list[str]:
    """The lines of ``--json`` but for those of steps."""
    lines = folder.events_file.read_text().splitlines()
    return [line for line in lines if _kind(line) != "layers_measured"]


def goes_on(folder: RunFolder) -> None:
    before = last_step(folder)
    wait_for(lambda: last_step(folder) > before + 100, "training behind the reader")


def training(tmp_path: Path, text: str) -> tuple[list[object], RunFolder]:
    file, root = tmp_path / "quick.toml", tmp_path / "runs"
    file.write_text(text)
    return ["train", file, "--runs-dir", root, "--log-every", 1e-6], RunFolder(root / "quick-1")


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["plain", "json"])
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_reader_that_sleeps_holds_up_neither_a_training_nor_its_end(
    piped: Start, number: int, code: int, options: tuple[str, ...], tmp_path: Path
) -> None:
    words, folder = training(tmp_path, LONG)
    process = piped(*words, *options)
    wait_for(process.is_full, "full pipe")
    goes_on(folder)
    process.process.send_signal(number)
    assert process.ends_with() == (code, "")
    *_, last = read_events(folder.events_file)
    assert isinstance(last, RunEnded) and last.reason == "stopped"
    assert max(state.step for state in kept_states(folder)) == last.step
    assert holder(folder.lock_file) is None


def test_a_reader_that_wakes_is_told_how_much_it_missed(piped: Start, tmp_path: Path) -> None:
    words, folder = training(tmp_path, QUICK.replace("epochs = 3", "epochs = 60"))
    process = piped(*words, "--json")
    wait_for(folder.events_file.exists, "run")
    wait_for(lambda: "run_ended" in folder.events_file.read_text(), "end")
    wait_for(lambda: holder(folder.lock_file) is None, "free lock")
    assert process.process.poll() is None, "lines are still to be written"
    lines = process.read().splitlines()
    assert process.ends_with() == (0, "")
    events = [json.loads(line) for line in lines]
    left_out = sum(event["count"] for event in events if event["event"] == "lines_left_out")
    batches = [event["step"] for event in events if event["event"] == "batch_completed"]
    assert left_out > 0 and batches == sorted(batches)
    assert len(batches) + left_out == last_step(folder)
    others = [line for line in lines if not _kind(line).startswith(("batch", "lines"))]
    assert others == told(folder)


def test_a_reader_that_keeps_up_misses_nothing(tmp_path: Path) -> None:
    words, folder = training(tmp_path, QUICK)
    command = [sys.executable, "-m", "cnn_tui.tui", *map(str, words), "--json"]
    done = run(command, env=HELD_BACK)
    lines = done.stdout.splitlines()
    steps = [json.loads(line)["step"] for line in lines if _kind(line) == "batch_completed"]
    assert steps == list(range(1, last_step(folder) + 1))
    others = [line for line in lines if _kind(line) != "batch_completed"]
    assert others == told(folder)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_ends_the_wait_for_a_reader(
    piped: Start, number: int, code: int, tmp_path: Path
) -> None:
    words, folder = training(tmp_path, QUICK.replace("epochs = 3", "epochs = 20"))
    process = piped(*words)
    wait_for(folder.events_file.exists, "run")
    wait_for(lambda: "run_ended" in folder.events_file.read_text(), "end")
    wait_for(lambda: holder(folder.lock_file) is None, "free lock")
    process.process.send_signal(number)
    assert process.ends_with() == (code, "")


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["plain", "json"])
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_ends_watching_in_the_middle_of_a_line(
    piped: Start, number: int, code: int, options: tuple[str, ...], finished: Path
) -> None:
    process = piped("watch", "quick-1", "--runs-dir", finished, *options)
    wait_for(process.is_full, "full pipe")
    process.process.send_signal(number)
    assert process.ends_with() == (code, "")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has more to tell than fits into a small pipe."""
    words, _ = training(tmp_path_factory.mktemp("long"), QUICK.replace("= 3", "= 100"))
    run([sys.executable, "-m", "cnn_tui.tui", *map(str, words[:-2])])
    return Path(str(words[3]))


TRAINS = """
import sys
from cnn_tui.tui.cli.main import run
sys.argv[1:] = {words!r}
run()
"""


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_stopped_terminal_holds_up_neither_a_training_nor_its_end(
    start: Callable[..., Terminal], number: int, code: int, tmp_path: Path
) -> None:
    words, folder = training(tmp_path, LONG)
    terminal = start(TRAINS.format(words=[str(word) for word in words[:4]]))
    terminal.shows("  train ")
    terminal.stall()
    goes_on(folder)
    time.sleep(0.6)  # the bar is drawn four times a second: into a terminal that takes nothing
    goes_on(folder)
    terminal.process.send_signal(number)
    assert terminal.process.wait(PATIENCE) == code
    *_, last = read_events(folder.events_file)
    assert isinstance(last, RunEnded) and last.reason == "stopped"
    assert max(state.step for state in kept_states(folder)) == last.step


def test_a_stopped_terminal_holds_up_no_ladder(
    start: Callable[..., Terminal], tmp_path: Path
) -> None:
    words = ["baselines", "--only", "linear-svm", "--epochs", "50000", "--runs-dir", str(tmp_path)]
    terminal = start(TRAINS.format(words=words))
    terminal.shows("steps")
    (folder,) = (RunFolder(path) for path in tmp_path.iterdir())
    terminal.stall()
    goes_on(folder)
    time.sleep(0.6)
    goes_on(folder)
    terminal.process.terminate()
    assert terminal.process.wait(PATIENCE) == 143
    *_, last = read_events(folder.events_file)
    assert isinstance(last, RunEnded) and last.reason == "stopped"


STUCK = """
import sys, time
import cnn_tui.tui.terminal.shutdown as shutdown
from cnn_tui.engine.runs.recorder import Recorder
from cnn_tui.tui.cli.main import run

def never(*args, **kwargs):
    time.sleep(1000)

Recorder.flush = never
shutdown.DEADLINE = 0.5
sys.argv[1:] = {words!r}
run()
"""


def test_a_disk_that_does_not_answer_cannot_keep_the_process(tmp_path: Path) -> None:
    words, _ = training(tmp_path, LONG)
    program = STUCK.format(words=[str(word) for word in words])
    process = start_process(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=HELD_BACK,
    )
    assert process.stdout is not None and process.stdout.readline()
    process.terminate()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "checkpoint may be missing" in err and err.count("\n") == 1


def _kind(line: str) -> str:
    event: dict[str, Any] = json.loads(line)
    return str(event["event"])
