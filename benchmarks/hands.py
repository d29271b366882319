"""Time from a key to the painted screen, on every screen, through a pty.

python benchmarks/hands.py [--keys N] [SCREEN ...]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from _sweep import sweep_under_way
from _terminal import COLUMNS, ROWS, Terminal, environment
from edits import branched, plain

from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.network import Recipe

F5, F6, F7 = b"\x1b[15~", b"\x1b[17~", b"\x1b[18~"
UP, DOWN, LEFT, RIGHT = b"\x1b[A", b"\x1b[B", b"\x1b[D", b"\x1b[C"
AT_ONCE, SOON = 16.0, 50.0
"""Milliseconds within which 95 of 100 keys are answered."""
LAYERS = 500
_FIRST = b"quit"
"""A word of the first frame."""


@dataclass(frozen=True)
class Place:
    """A screen: what opens it, a word that it shows, and two keys that change it to and fro."""

    opening: tuple[bytes, ...]
    shown: bytes
    keys: tuple[bytes, bytes]
    limit: float = SOON
    network: str = "lenet5"
    training: bool = False


PLACES = {
    "build": Place((), b"insert", (DOWN, UP), AT_ONCE, "deep"),
    "build, an edit": Place((DOWN,), b"insert", (b"D", b"u"), AT_ONCE, "deep"),
    "build, branches": Place((b"f",), b"insert", (DOWN, UP), AT_ONCE, "branched"),
    "build, branches, an edit": Place(
        (b"f", DOWN, DOWN, DOWN, DOWN), b"insert", (b"D", b"u"), AT_ONCE, "branched"
    ),
    "build, training": Place((F5, b"1"), b"insert", (DOWN, UP), AT_ONCE, "deep", training=True),
    "build, training fast": Place((F5, b"1"), b"insert", (DOWN, UP), AT_ONCE, training=True),
    "train": Place((F5,), b"epoch", (b"g", b"g"), training=True),
    "train, zoom": Place((F5,), b"epoch", (b"z", b"Z"), training=True),
    "runs": Place((b"3",), b"sorted by", (DOWN, UP)),
    "run that is watched": Place((b"3", b"\r"), b"back", (b"g", b"g")),
    "comparison": Place((b"3", b"m", b"m", b"c"), b"best val", (b"l", b"l")),
    "sweep, 500 trials": Place((b"5",), b"by best", (DOWN, UP)),
    "sweep, 500 trials, lines": Place((b"5", b"c"), b"all fields", (DOWN, UP)),
    "sweep, 500 trials, sorted": Place((b"5",), b"by best", (b"s", b"S")),
    "datasets": Place((F6,), b"samples", (DOWN, UP)),
    "baselines": Place((F7,), b"knn", (DOWN, UP)),
    "help": Place((), b"insert", (b"?", b"q")),
    "open dialog": Place((b"o",), b"resnet", (DOWN, UP)),
    "pattern dialog": Place((b"p",), b"FC", (b"\t", b"\x1b[Z")),
    "quick entry": Place((b"/",), b"apply", (b"c", b"\x7f")),
}


def networks(home: Path) -> dict[str, str]:
    """Files of ``LAYERS`` layers, in a row and in branches, and of a few, each as an argument."""
    deep = home / "deep.toml"
    recipe = Recipe(epochs=10_000, batch_size=4, lr=1e-5)
    save_network(msgspec.structs.replace(plain(LAYERS), data="shapes", training=recipe), deep)
    endless = home / "endless.toml"
    network = msgspec.structs.replace(plain(6), data="shapes", input=(3, 32, 32), training=recipe)
    save_network(network, endless)
    modules = home / "branched.toml"
    network = msgspec.structs.replace(branched(LAYERS), data="shapes", training=recipe)
    save_network(network, modules)
    return {"deep": str(deep), "lenet5": str(endless), "branched": str(modules)}


def answers(terminal: Terminal, keys: tuple[bytes, bytes], count: int) -> Iterator[float]:
    """Yield the milliseconds from each key to the first output after it."""
    for number in range(count):
        # What a training draws by itself is no answer: the key is pressed right after it.
        terminal.drain(0.03)
        began = time.perf_counter()
        terminal.press(keys[number % 2])
        while not terminal.read(1.0):
            if time.perf_counter() - began > 5:
                break
        yield (time.perf_counter() - began) * 1000


def measure(name: str, home: Path, args: dict[str, str], count: int) -> None:
    """Print median and 95th percentile of a screen."""
    place = PLACES[name]
    terminal = Terminal((args[place.network],), home, "")
    try:
        terminal.until(_FIRST)
        terminal.drain(2.5)  # the imports after the first paint
        for key in place.opening:
            terminal.press(key)
            terminal.drain(1.0)
        terminal.drain(1.5 if place.training else 0.5)
        times = sorted(answers(terminal, place.keys, count))
    finally:
        terminal.close()
    median, high = times[len(times) // 2], times[int(len(times) * 0.95)]
    verdict = "" if high <= place.limit else "   MISSED"
    print(f"{name:<24} p50 {median:6.1f} ms   p95 {high:6.1f} <= {place.limit:g} ms{verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("screens", nargs="*", metavar="SCREEN", help=f"of {', '.join(PLACES)}")
    parser.add_argument("--keys", type=int, default=200)
    options = parser.parse_args()
    if unknown := set(options.screens) - set(PLACES):
        parser.error(f"no such screen: {', '.join(unknown)}; there are {', '.join(PLACES)}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        args = networks(home)
        for _ in range(2):  # two runs, for the screens that show some
            command = [sys.executable, "-m", "cnn_tui.tui", "train", "digits-convnet", "--epochs=1"]
            subprocess.run(command, env=environment(home), check=True, capture_output=True)
        print(f"{COLUMNS}x{ROWS}, {options.keys} keys each, Build with {LAYERS} layers")
        with sweep_under_way(home / "cnn-tui" / "runs"):
            for name in options.screens or PLACES:
                measure(name, home, args, options.keys)


if __name__ == "__main__":
    main()
