"""Names of runs and their folders."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cnn_tui import presets
from cnn_tui.engine.data.sources import data_home
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.specs.wording import did_you_mean, show

RUNS_VARIABLE = "CNN_TUI_RUNS"
BIN = ".bin"
"""Folder of the deleted runs, inside the folder of runs."""

DEMO_RUN = Path(next(iter(presets.__path__))) / "demo"
"""The run of the package, which ``cnn-tui --demo`` plays."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBERED = re.compile(r"(.+)-(\d{1,9})")


def check_name(name: str) -> str:
    """Return ``name`` if it is a valid name of a run.

    Raises:
        RunError: if it is not.
    """
    if _NAME.fullmatch(name) and not name.startswith("."):
        return name
    raise RunError(
        f"A run cannot be called {show(name)}.",
        "Use up to 64 letters, digits, dots, dashes and underscores, not beginning with a dot.",
    )


_UNPORTABLE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*\.", re.IGNORECASE)
"""Names that Windows gives to devices, with any ending, and those whose last dot it drops."""


def check_new_name(name: str) -> str:
    """Return ``name`` if a run may get it: folders of runs are also copied to Windows.

    Raises:
        RunError: if it may not.
    """
    if _UNPORTABLE.fullmatch(check_name(name)):
        raise RunError(
            f"A run cannot be called {show(name)}.", "Windows could not keep a folder of that name."
        )
    return name


def as_name(text: str) -> str:
    """A valid name of a run that resembles ``text``; ``run`` if nothing of it is left."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-") or "run"


def folder_of(root: Path, name: str) -> Path:
    """The folder of an existing run in ``root``; it may be a link to another disk.

    Raises:
        RunError: if there is no such run; the hint gives the nearest name.
    """
    path = root / check_name(name)
    if path.is_dir():
        return path
    hint = did_you_mean(name, run_names(root), "cnn-tui runs lists them.")
    raise RunError(f"There is no run {show(name)} in {root}.", hint)


def run_names(root: Path) -> list[str]:
    """Names in ``root`` that could be runs, unordered."""
    try:
        return [p.name for p in root.iterdir() if _NAME.fullmatch(p.name) and p.name[0] != "."]
    except (FileNotFoundError, NotADirectoryError):
        return []


def make_folder(root: Path, base: str) -> Path:
    """Create the folder of a new run, named ``base`` plus the next free number.

    Raises:
        OSError: if it cannot be created.
    """
    root.mkdir(parents=True, exist_ok=True)
    base = base.lstrip(".")[:54] or "run"
    if _UNPORTABLE.fullmatch(f"{base}-1"):
        base = f"run-{base}"[:54]
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
    """The folder of this user's runs: ``CNN_TUI_RUNS`` of the environment, else a usual one."""
    chosen = os.environ.get(RUNS_VARIABLE)
    return Path(chosen).expanduser() if chosen else data_home() / "runs"
