"""What holds for every test: nothing that it started runs on after it, and it has a time limit."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from children import MARK, leftovers, run, start

HERE = Path(__file__).parent
STARTS = """
import os, signal, subprocess, sys, time
from pathlib import Path
from children import start

SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)"]

def test_starts() -> None:
    SLOW = start(SLEEP)
    start([sys.executable, "-c", f"import subprocess; subprocess.run({SLEEP})"])
    subprocess.Popen(SLEEP, start_new_session=True).returncode = 0
    Path("began").touch()
    END
"""


def pytest_of(folder: Path, end: str, *options: str) -> list[str]:
    (folder / "conftest.py").write_text("import children\nchildren.GRACE = 0.2\n")
    (folder / "test_it.py").write_text(STARTS.replace("END", end))
    return [
        *(sys.executable, "-m", "pytest", "-p", "guard", "-p", "no:cacheprovider"),
        *("-o", f"pythonpath={HERE}", "--rootdir", str(folder), *options, "test_it.py"),
    ]


def nothing_is_left() -> bool:
    end = time.monotonic() + 30
    while leftovers(os.environ[MARK]) and time.monotonic() < end:
        time.sleep(0.05)
    return not leftovers(os.environ[MARK])


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))


def ends(folder: Path, end: str, *options: str) -> tuple[int, str]:
    done = run(pytest_of(folder, end, *options), cwd=folder, check=False)
    assert nothing_is_left()
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("end", "workers"), [("pass", "0"), ("assert False", "1")])
def test_a_process_that_is_left_is_ended_and_named(tmp_path: Path, end: str, workers: str) -> None:
    code, out = ends(tmp_path, end, "-n", workers)
    assert code == 1
    assert "ERROR at teardown of test_starts" in out
    (left,) = (line for line in out.splitlines() if "time.sleep(1000) (process" in line)
    assert left.endswith(", test_it.py::test_starts)")


@pytest.mark.slow
@pytest.mark.parametrize(("end", "workers"), [("time.sleep(1000)", "0"), ("SLOW.wait()", "1")])
def test_a_test_that_takes_too_long_ends(tmp_path: Path, end: str, workers: str) -> None:
    limit = ["--timeout=2", "--timeout-method=thread", "-o", "faulthandler_timeout=1"]
    code, out = ends(tmp_path, end, "-n", workers, *limit)
    assert code == 1
    assert "Timeout" in out and "in test_starts" in out


@pytest.mark.slow
def test_a_worker_that_dies_leaves_nothing(tmp_path: Path) -> None:
    code, out = ends(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", "-n", "1")
    assert code == 1
    assert "crashed while running" in out and "ERROR: still running after the tests" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("send", "number", "workers"),
    [(os.killpg, signal.SIGINT, "0"), (os.killpg, signal.SIGINT, "1"), (os.kill, 9, "1")],
    ids=["ctrl+c", "ctrl+c-workers", "kill"],
)
def test_a_pytest_that_is_interrupted_leaves_nothing(
    tmp_path: Path, send: Callable[[int, int], None], number: int, workers: str
) -> None:
    command = pytest_of(tmp_path, "time.sleep(1000)", "-n", workers)
    process = start(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    while not (tmp_path / "began").exists():
        assert process.poll() is None
        time.sleep(0.05)
    send(process.pid, number)
    process.wait()
    assert nothing_is_left()


def test_every_test_has_a_time_limit(request: pytest.FixtureRequest) -> None:
    stacks, end = (float(request.config.getini(k)) for k in ("faulthandler_timeout", "timeout"))
    assert 0 < stacks < end
    assert request.config.getini("timeout_method") == "thread"


STARTERS = {
    "subprocess": {"Popen", "run", "call", "check_call", "check_output", "getoutput"},
    "os": {"fork", "forkpty", "popen", "system", "posix_spawn", "posix_spawnp"},
    "pty": {"fork", "spawn"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell"},
}


def starters(file: Path) -> list[str]:
    """Where a file starts a process by itself."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(module), attr=name)):
                names = {name}
            case ast.ImportFrom(module=str(module)):
                names = {alias.name for alias in node.names}
            case _:
                continue
        if names & STARTERS.get(module, set()) or module == "multiprocessing":
            found.append(f"{file}:{node.lineno}")
    return found


def test_processes_are_started_in_one_place() -> None:
    files = {file for file in HERE.rglob("*.py") if starters(file)}
    assert files == {HERE / "children.py"}
