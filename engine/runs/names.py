"""Names of runs, and the folders that they lead to."""

from __future__ import annotations

import re
from pathlib import Path

from cnn_tui.engine.data.sources import data_home
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.specs.wording import nearest, show

BIN = ".bin"
"""Where deleted runs wait, in the folder of runs."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBERED = re.compile(r"(.+)-(\d{1,9})")


def check_name(name: str) -> str:
    """The name itself.

    Raises:
        RunError: if no run may be called so.
    """
    if _NAME.fullmatch(name) and not name.startswith("."):
        return name
    raise RunError(
        f"A run cannot be called {show(name)}.",
        "Use up to 64 letters, digits, dots, dashes and underscores, the first no dot.",
    )


def folder_of(root: Path, name: str) -> Path:
    """The folder of an existing run in ``root``, which may be a link to another disk.

    Raises:
        RunError: if there is no such run, with the nearest name.
    """
    path = root / check_name(name)
    if path.is_dir():
        return path
    near = nearest(name, run_names(root))
    hint = f"Did you mean {near[0]}?" if near else "cnn-tui runs lists them."
    raise RunError(f"There is no run {show(name)} in {root}.", hint)


def run_names(root: Path) -> list[str]:
    """What is in ``root`` and could be a run, in no order."""
    try:
        return [p.name for p in root.iterdir() if _NAME.fullmatch(p.name) and p.name[0] != "."]
    except (FileNotFoundError, NotADirectoryError):
        return []


def make_folder(root: Path, base: str) -> Path:
    """Make the folder of a new run: ``base`` with the number after the highest one there.

    Raises:
        OSError: if nothing can be made there.
    """
    root.mkdir(parents=True, exist_ok=True)
    base = base.lstrip(".")[:54] or "run"
    numbers = (_NUMBERED.fullmatch(name) for name in run_names(root))
    number = max((int(n[2]) for n in numbers if n and n[1] == base), default=0)
    while True:
        number += 1
        path = root / f"{base}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            # Another process was faster.
            continue
        return path


def runs_home() -> Path:
    """The folder of all runs of this user."""
    return data_home() / "runs"
