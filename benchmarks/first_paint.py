"""Time to the first paint, compared with a Textual app of one label on the same machine.

``python benchmarks/first_paint.py`` starts both alternately, each as a cold process on its own pty;
``--keys`` measures the response to keys in the second after the first paint, ``--imports`` the
costliest imports before it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _terminal import Terminal

LABEL = """
from textual.app import App
from textual.widgets import Label

class One(App):
    def compose(self):
        yield Label("one label")

One().run()
"""
IMPORTS = """
from cnn_tui.tui.cli import launch, main
from cnn_tui.engine.specs.presets import resolve
resolve(launch.DEFAULT)
import cnn_tui.tui.app
"""
"""What ``cnn-tui`` imports on the way to its first paint."""

SIZE = (80, 24)
LAST_ROW = b"softmax"
"""The loss of the built-in default, in the last row of its layer list."""
WANTED_SECONDS, WANTED_RATIO = 0.5, 1.6
ROWS = 8
"""Keys that are sent; fewer than the list has rows."""
SHOWN = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--keys", action="store_true", help="the answers to keys right after it")
    parser.add_argument("--imports", action="store_true", help="the costliest imports")
    args = parser.parse_args()
    # As for a user, with the bytecode that the first start has written.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.pop("PYTHONUNBUFFERED", None)
    with tempfile.TemporaryDirectory() as home:
        if args.imports:
            print_imports()
        elif args.keys:
            print_keys(Path(home), args.rounds)
        else:
            compare(Path(home), args.rounds)


def compare(home: Path, rounds: int) -> None:
    ours, label = list[float](), list[float]()
    # One additional round fills the page cache and writes bytecode.
    for _ in range(rounds + 1):
        ours.append(first_paint(home, LAST_ROW))
        label.append(first_paint(home, b"one label", LABEL))
    report("cnn-tui", ours[1:])
    report("an app of one label", label[1:])
    median = statistics.median(ours[1:])
    ratio = median / statistics.median(label[1:])
    good = median <= WANTED_SECONDS and ratio <= WANTED_RATIO
    wanted = f"wanted: {WANTED_SECONDS} s and {WANTED_RATIO}"
    print(f"ratio of the medians {ratio:.2f} ({wanted}){'' if good else '   MISSED'}")


def first_paint(home: Path, word: bytes, program: str = "") -> float:
    terminal = Terminal((), home, program, SIZE)
    try:
        return terminal.until(word)
    finally:
        terminal.close()


def report(what: str, times: list[float]) -> None:
    least, median = min(times), statistics.median(times)
    print(f"{what:<20} minimum {least:.3f} s, median {median:.3f} s of {len(times)}")


def print_keys(home: Path, rounds: int) -> None:
    """Move down the list a row at a time while the rest of the app loads."""
    times = [seconds for _ in range(rounds) for seconds in answers(home)]
    times.sort()
    middle, most = statistics.median(times) * 1000, times[-1] * 1000
    late = times[int(len(times) * 0.95)] * 1000
    print(f"key to paint in the first second: p50 {middle:.0f}, p95 {late:.0f}, most {most:.0f} ms")


def answers(home: Path) -> list[float]:
    terminal = Terminal((), home, size=SIZE)
    try:
        terminal.until(LAST_ROW)
        times = list[float]()
        for _ in range(ROWS):
            began = time.perf_counter()
            terminal.press(b"j")
            if not terminal.read(5.0):
                raise SystemExit("a key was not answered")
            times.append(time.perf_counter() - began)
            terminal.drain(1 / ROWS)
        return times
    finally:
        terminal.close()


def print_imports() -> None:
    command = [sys.executable, "-X", "importtime", "-c", IMPORTS]
    for _ in range(2):
        log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    rows = [line.removeprefix("import time:").split("|") for line in log.splitlines()[1:]]
    rows = sorted(rows, key=lambda row: -int(row[1]))[:SHOWN]
    print("cumulative ms  self ms  module")
    for own, cumulative, name in rows:
        print(f"{int(cumulative) / 1000:13.1f}  {int(own) / 1000:7.1f}  {name.strip()}")


if __name__ == "__main__":
    main()
