"""Every process that the tests start, and the end of all of them.

Each has ``MARK`` in its environment, and so has whatever it starts, in whatever session.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

MARK = "CNN_TUI_TESTS"
"""Its value names the pytest session, then the worker: ``1f2e3d4c/gw0/``."""
GRACE = 10.0
"""Seconds in which a process that was told to stop may end by itself."""

_started: list[subprocess.Popen[Any]] = []


def start(command: Sequence[str | Path], **how: Any) -> subprocess.Popen[Any]:
    """A process in a session of its own; the end of the test is its end, too."""
    kept = (MARK, "PYTEST_CURRENT_TEST", "OMP_WAIT_POLICY")
    marks = {key: os.environ[key] for key in kept if key in os.environ}
    environ = {**how.pop("env", os.environ), **marks}
    process = subprocess.Popen(command, env=environ, start_new_session=True, **how)
    _started.append(process)
    return process


def run(
    command: Sequence[str | Path], *, check: bool = True, **how: Any
) -> subprocess.CompletedProcess[str]:
    """A process that has ended, with what it printed."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = start(command, **{**streams, **how})
    out, err = process.communicate()
    assert process.returncode == 0 or not check, err
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def end_started() -> None:
    """Kill what ``start`` began, with the rest of its group; close the pipes."""
    while _started:
        process = _started.pop()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                if pipe:
                    pipe.close()


def leftovers(mark: str) -> dict[int, str]:
    """The processes with the mark: the number of each, its command and the test that began it."""
    found = {}
    for pid, command, environ in _processes():
        if f"{MARK}={mark}" in environ:
            test = re.search(r"PYTEST_CURRENT_TEST=(.*?) \((?:setup|call|teardown)\)", environ)
            begun_by = test[1] if test else "no test"
            found[pid] = f"{command.strip()[:300]} (process {pid}, {begun_by})"
    return found


def _processes() -> Iterator[tuple[int, str, str]]:
    """Number, command and environment of all that may be looked at."""
    if not Path("/proc/self/environ").exists():
        listed = subprocess.run(["ps", "-axwwE", "-o", "pid=,command="], capture_output=True)
        for line in listed.stdout.decode(errors="replace").splitlines():
            pid, _, rest = line.strip().partition(" ")
            yield int(pid), rest, rest
        return
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # It has ended, or belongs to somebody else.
            command, environ = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
            words = command.replace(b"\0", b" ").decode(errors="replace")
            yield int(folder.name), words, environ.decode(errors="replace")


def end_leftovers(mark: str) -> list[str]:
    """End what has the mark and does not end by itself; the description of each."""
    end = time.monotonic() + GRACE
    while (found := leftovers(mark)) and time.monotonic() < end:
        time.sleep(0.05)
    ended = list(found.values())
    for _ in range(100):  # One that is killed may have started another just before.
        if not found:
            break
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        found = leftovers(mark)
    return ended


def watch(mark: str) -> subprocess.Popen[bytes]:
    """A process that ends what has the mark as soon as this one is gone, even if it was killed."""
    environ = {key: value for key, value in os.environ.items() if key != MARK}
    command = [sys.executable, "-I", __file__, mark]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=environ, start_new_session=True)


if __name__ == "__main__":
    sys.stdin.read()
    GRACE = 0
    for words in end_leftovers(sys.argv[1]):
        print("ended after the tests:", words, file=sys.stderr)
