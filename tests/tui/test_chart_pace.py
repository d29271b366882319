"""The charts keep pace with a run: read from the cells of a real terminal."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import children
import pytest
from terminal import PATIENCE, Terminal

pytestmark = pytest.mark.slow

Start = Callable[..., Terminal]

APP = """
import sys
from cnn_tui.tui.cli.main import run
sys.argv = ["cnn-tui"]
run()
"""
WATCH = """
import sys
sys.argv = ["cnn-tui", "watch", "--runs-dir", {folder!r}]
from cnn_tui.tui.cli.main import run
run()
"""
F5 = "\x1b[15~"
SECONDS = 6
HALF = 40
"""Columns of the first chart, with its heading."""


Chart = tuple[str, ...]


def charts(terminal: Terminal, end: Callable[[str, int], bool]) -> dict[int, set[Chart]]:
    """The charts of the loss that were on the screen, by the second of the run shown with them."""
    seen: dict[int, set[Chart]] = {}

    def ended() -> bool:
        _, status, *rows = terminal.screen.display
        first = next((at for at, row in enumerate(rows) if row.startswith(" loss")), None)
        clock = re.search(r"time (\d+):(\d+)", status)
        second = 60 * int(clock[1]) + int(clock[2]) if clock else 0
        if first is not None and clock:
            seen.setdefault(second, set()).add(
                tuple(row[:HALF] for row in rows[first : first + 13])
            )
        return end(status, second)

    terminal.until(ended, "end of what is watched")
    return seen


def drawn(chart: Chart) -> bool:
    return any(0x2800 < ord(char) <= 0x28FF for row in chart for char in row)


def test_the_default_run_draws_two_charts_a_second_from_its_start_to_its_end(
    start: Start, tmp_path: Path
) -> None:
    terminal = start(APP, XDG_DATA_HOME=str(tmp_path))
    terminal.shows("F5 train")
    terminal.press(F5)
    seen = charts(terminal, lambda status, _: status.startswith(" done"))
    whole = sorted(seen)[:-1] or [0]
    # The last second is not a whole one; a fast machine needs little more than one in all.
    assert whole == list(range(len(whole))), "the screen skipped a second"
    assert any(map(drawn, seen[0])), "no curve in the first second"
    # Twice as many are drawn on a machine of its own; another test may take one second's share.
    found = {second: len(seen[second]) for second in whole}
    assert sum(found.values()) >= 2 * len(whole), found


def test_a_run_that_is_watched_draws_a_chart_for_each_of_its_news(
    start: Start, tmp_path: Path
) -> None:
    train = ["train", "digits-convnet", "--epochs", "1000", "--runs-dir", str(tmp_path)]
    children.start([sys.executable, "-m", "cnn_tui.tui", *train], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while not list(tmp_path.glob("*/metrics.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    terminal = start(WATCH.format(folder=str(tmp_path)))
    first: list[int] = []

    def long_enough(status: str, second: int) -> bool:
        if second and not first:
            first.append(second)
        return bool(first) and second >= first[0] + SECONDS

    seen = charts(terminal, long_enough)
    # The trainer writes twice a second, and the screen reads as often.
    assert sum(map(len, seen.values())) >= SECONDS
    assert any(map(drawn, seen[first[0] + 1]))
