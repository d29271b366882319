"""The whole walk in a terminal: LeNet-5 by hand on MNIST, broken, mended, trained, exported."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROGRAM = """
import sys
from cnn_tui.tui.cli.main import main
sys.exit(main({words!r}))
"""
KEYS = {"enter": "\r", "esc": "\x1b", "tab": "\t", "down": "\x1b[B", "up": "\x1b[A"}
KEYS |= {"home": "\x1b[H", "end": "\x1b[F", "F5": "\x1b[15~"}
LAYERS = (
    "conv 6 5x5 pad 2 | relu | pool 2 | conv 16 5x5 | relu | pool 2 | "
    "fc 120 | relu | fc 84 | relu | fc 10"
)
MOST = 220
"""Keys of the whole walk, those of the commands in the shell included."""


class Walk:
    """Presses keys and counts them."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal, self.keys = terminal, 0

    def press(self, *keys: str) -> None:
        """Press keys by name, or type words in one go."""
        for key in keys:
            self.keys += 1 if key in KEYS else len(key)
            self.terminal.press(KEYS.get(key, key))

    def sees(self, *words: str) -> None:
        for some in words:
            self.terminal.shows(some)

    def waits_for(self, pattern: str) -> str:
        """Wait until a line matches."""
        found: list[str] = []

        def seen() -> bool:
            found[:] = [line for line in self.terminal.screen.display if re.search(pattern, line)]
            return bool(found)

        self.terminal.until(seen, pattern)
        return found[0]


def test_from_nothing_to_an_exported_network(
    start: Callable[..., Terminal], mnist_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"XDG_DATA_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    words = ["--data-dir", str(mnist_dir)]
    walk = Walk(start(PROGRAM.format(words=words), **places))
    walk.sees("fits")
    # A new network: the images, then the layers in one line.
    walk.press("n")
    walk.sees("o opens a preset")
    walk.press("enter", "1x28x28", "tab", "mnist", "esc")
    walk.sees("i insert")
    walk.press("/", LAYERS, "enter")
    walk.sees("61,706 parameters", "fits")
    # Broken: a stride that does not tile. Mended by the key of a fix.
    walk.press("home", "down", "down", "down", "down", "enter", "tab", "tab", "2")
    walk.sees("issue", "does not tile")
    walk.press("esc")
    walk.sees("i insert")
    walk.press("a")
    walk.sees("fits")
    # A short recipe; a first run that is stopped, and a second one to the end.
    walk.press("t", "2", *["tab"] * 3, "0.05", *["tab"] * 6, "o", "esc")
    walk.sees("lr 0.05, 2 epochs")
    walk.press("F5")
    walk.sees("images/s")
    walk.press("xy")
    walk.sees("stopped")
    walk.press("F5", "f")
    line = walk.waits_for(r"done: test \d")
    accuracy = re.search(r"test (\d+\.\d+)%", line)
    assert accuracy and float(accuracy[1]) >= 98.0, line
    # Compared with the first one.
    walk.press("3")
    walk.sees("untitled-2")
    walk.press("mmc")
    walk.sees("2 runs", "untitled-1")
    walk.press("q")
    walk.sees("unsaved changes")
    walk.press("s")
    walk.sees("Save as")
    walk.press("my.toml", "enter")
    assert walk.terminal.exit_code() == 0
    assert (tmp_path / "my.toml").is_file()
    command = ["export", "untitled-2", "--format", "pytorch"]
    walk.keys += len(f"cnn-tui {' '.join(command)}\n") + len("cnn-tui\n")
    assert start(PROGRAM.format(words=command), **places).exit_code() == 0
    assert list(tmp_path.glob("untitled*2.py")) and list(tmp_path.glob("*.safetensors"))
    assert walk.keys <= MOST, f"{walk.keys} keys"
    print(f"{walk.keys} keys")
