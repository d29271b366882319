"""Small finished runs on disk, and commands on them that must end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np

PATIENCE = 60
"""Seconds; a command takes a hundredth."""

_QUICK = """
name = "quick"
input = [1, 8, 8]
data = "{data}"
layers = [{{ type = "fc", out_features = 2 }}]

[training]
epochs = 1
"""


def make_runs(place: Path) -> Path:
    """A folder of two runs, ``quick-1`` and ``quick-2``, each with every file of a run."""
    from cnn_tui.tui.cli.main import main

    rng = np.random.default_rng(0)
    data, file, root = place / "data.npz", place / "quick.toml", place / "runs"
    np.savez(data, x=rng.integers(0, 255, (40, 8, 8), dtype=np.uint8), y=np.arange(40) % 2)
    file.write_text(_QUICK.format(data=data))
    for number in (1, 2):
        assert main(["train", str(file), "--runs-dir", str(root)]) == 0
        assert main(["runs", "--runs-dir", str(root), "tag", f"quick-{number}", "good"]) == 0
    (root / "quick-1" / "headless.log").write_text("resumed\n")
    (root / "quick-1" / "baseline.json").write_text('{"key":"knn"}')
    return root


class HangError(Exception):
    """A command that does not end."""


@contextmanager
def patience(words: object) -> Iterator[None]:
    """Abort a command that waits for ever."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise HangError(words)

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(folder: Path) -> dict[str, object]:
    """Content of a folder without following links: targets of links, bytes of files."""

    def look(path: Path) -> object:
        if path.is_symlink():
            return path.readlink()
        return path.read_bytes() if path.is_file() else path.lstat().st_mode

    return {str(path.relative_to(folder)): look(path) for path in sorted(folder.rglob("*"))}


Run = Callable[..., tuple[int, str, str]]


def check_command(cli: Run, *words: object) -> tuple[int, str]:
    """Run a command that must end, with a message if it fails; returns exit code and output."""
    with patience(words):
        code, out, err = cli(*words)
    assert code in (0, 1, 2), (words, code)
    assert "internal error of cnn-tui" not in err and "Traceback" not in err, (words, err)
    assert (code == 0) or err or '"error"' in out, words
    return code, out + err
