"""Whether an installed cnn-tui works: ``python benchmarks/smoke.py path/to/cnn-tui``.

Each command runs in an empty home, outside the checkout, with nothing on PATH beside but a shell:
no compiler, no tools. This file needs no library, so that any Python can run it.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

SECONDS = 120.0
"""For a command or a first paint, with compiling the bytecode."""
LAST_ROW = b"softmax"
"""The last row of the network that the app opens on."""
COMMANDS = (
    "--version",
    "check lenet5",
    "presets",
    "doctor",
    "train digits-convnet --epochs 1 --seed 1",
    "runs",
    "inspect digits-convnet-1 filters",
    "inspect digits-convnet-1 filters --out filters.png",
    "export digits-convnet-1 --format safetensors",
    "config",
    "learn --list",
)
"""What must end with 0; one that this version does not have is passed over."""


class BrokenError(Exception):
    """A command failed."""


def smoke(script: Path, home: Path) -> dict[str, float]:
    """Run everything; return the seconds of each command and of the first paint.

    Raises:
        BrokenError: a command failed, or nothing was painted.
    """
    tools = home / "bin"
    tools.mkdir()
    (tools / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    environ = {
        "PATH": f"{script.parent}{os.pathsep}{tools}",
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    known = run(script, ["--help"], home, environ)[1]
    seconds = dict[str, float]()
    for line in COMMANDS:
        words = line.split()
        if words[0].startswith("-") or f"\n  {words[0]} " in known:
            seconds[line], _ = run(script, words, home, environ)
    # The second start finds bytecode and a warm disk, as every later one.
    for name in ("first start", "first paint"):
        seconds[name] = first_paint(script, home, environ)
    return seconds


def run(
    script: Path, words: Sequence[str], home: Path, environ: dict[str, str]
) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(
        [script, *words],
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode or "Warning" in done.stdout:
        raise BrokenError(f"cnn-tui {' '.join(words)}: {done.returncode}\n{done.stdout}")
    return time.perf_counter() - began, done.stdout


def first_paint(script: Path, home: Path, environ: dict[str, str]) -> float:
    """Seconds until the app in a pty has painted its network; then ``q`` must end it with 0."""
    outer, inner = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(
        [script], cwd=home, env=environ, stdin=inner, stdout=inner, stderr=inner
    )
    os.close(inner)
    painted, seen = 0.0, b""
    try:
        while time.perf_counter() - began < SECONDS:
            data = read(outer)
            seen += data or b""
            if not painted and LAST_ROW in seen:
                painted = time.perf_counter() - began
                os.write(outer, b"q")
            if data is None:
                break
        if not painted or process.wait(SECONDS):
            raise BrokenError(f"the app ended with {process.poll()} after {seen[-500:]!r}")
        return painted
    finally:
        process.kill()
        process.wait()
        os.close(outer)


def read(terminal: int) -> bytes | None:
    """What was written meanwhile; None when the program has closed the terminal."""
    if not select.select([terminal], [], [], 0.5)[0]:
        return b""
    try:
        return os.read(terminal, 1 << 16) or None
    except OSError:
        return None


def main() -> None:
    script = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as home:
        try:
            print(json.dumps(smoke(script, Path(home))))
        except BrokenError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
