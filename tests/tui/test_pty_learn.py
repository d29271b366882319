"""Shipped lessons solved by keys in a real terminal: one in Build, one in Train, one in Inspect."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import Terminal

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from cnn_tui.tui.cli.main import main
sys.exit(main({words!r}))
"""
ENTER, ESC, DOWN, F2, F5 = "\r", "\x1b", "\x1b[B", "\x1bOQ", "\x1b[15~"
CTRL_G = "\x07"
SIZE = "F2 lesson"

Start = Callable[..., Terminal]


@pytest.fixture(autouse=True)
def no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def learn(start: Start, *words: str) -> Terminal:
    terminal = start(PROGRAM.format(words=["learn", *words]))
    terminal.shows(SIZE if words else "[x] solved")
    return terminal


def recipe(terminal: Terminal, **values: str) -> None:
    """Change settings in the form of the recipe; those of choices by their first letter."""
    order = ("epochs", "batch_size", "optimizer", "lr", "seed", "initializer", "momentum", "l2")
    order += ("clip_norm", "schedule", "warmup_epochs", "patience", "keep_best", "keep_every")
    order += ("freeze", "last_batch", "balance", "normalize", "limit")
    terminal.press("t")
    terminal.shows("typing")
    at = 0
    for name in order:
        if name in values:
            terminal.press("\t" * (order.index(name) - at) + values[name])
            at = order.index(name)
    terminal.press(ESC)
    terminal.shows("x delete")


def quits(terminal: Terminal) -> None:
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.is_restored()


def solved() -> set[str]:
    from cnn_tui.engine.lessons.progress import LessonProgress

    attempts = json.loads(LessonProgress().path.read_bytes())["lessons"]
    return {name for name, attempt in attempts.items() if attempt["solved"]}


def test_a_build_lesson_from_the_list_to_the_next_one(start: Start) -> None:
    terminal = learn(start)
    terminal.shows("The output formula")
    terminal.press(ENTER)
    terminal.shows("the output of layer 1 is 96x111x111, wanted is 96x55x55")
    terminal.press(DOWN + ENTER + DOWN + "11" + DOWN)
    terminal.shows("the output of layer 1 is 96x109x109")
    terminal.press("4" + ESC)
    terminal.shows("Solved: The output formula")
    terminal.shows("the shipped solution")
    terminal.press(ENTER)
    terminal.shows("Counting parameters by hand")
    assert "output-size" in solved()
    terminal.press("\x0c")
    terminal.shows("[6 Learn]")
    quits(terminal)


def test_a_train_lesson(start: Start, tmp_path: Path) -> None:
    terminal = learn(start, "overfit-twenty", "--runs-dir", str(tmp_path))
    terminal.shows("[2 Train]")
    terminal.press("1" + DOWN * 9 + "x")
    terminal.shows("8 maxpool")
    recipe(terminal, epochs="60", lr="0.02", l2="0", schedule="c", limit="20")
    terminal.press(F5)
    terminal.shows("Solved: Overfit twenty")
    assert "overfit-twenty" in solved()
    terminal.press(ESC)
    terminal.shows("shows why, and leads on")
    terminal.press("\x0c")
    terminal.shows("[6 Learn]")
    quits(terminal)


def test_an_inspect_lesson(start: Start, tmp_path: Path) -> None:
    terminal = learn(start, "reading-filters", "--runs-dir", str(tmp_path))
    recipe(terminal, epochs="20", lr="0.02", l2="0.01")
    terminal.press(F5)
    terminal.shows("done: test")
    terminal.press("4")
    terminal.shows("3 of 4 met")
    terminal.press(DOWN + DOWN)
    terminal.shows("solved")
    terminal.press(CTRL_G)
    terminal.shows("Solved: Reading filters")
    assert "reading-filters" in solved()
    terminal.press("l")
    terminal.shows("[x] Reading filters")
    quits(terminal)


def test_a_broken_file_is_a_line_and_the_app_is_there(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('name = "own"\ntitel = "x"\n')
    terminal = start(PROGRAM.format(words=["learn", str(file)]))
    terminal.shows("[6 Learn]")
    terminal.shows("titel")
    quits(terminal)
