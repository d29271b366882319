"""Starting a sweep, or resuming one, in a process of its own, which outlives the app."""

from __future__ import annotations

import shutil
import time
from importlib.util import find_spec
from pathlib import Path

from cnn_tui.engine.errors import CnnTuiError, SweepError, reason_of
from cnn_tui.engine.sweeps.begin import new_sweep, require_extra
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.plan import SweepPlan
from cnn_tui.tui.history.continuing import LOG, detached, last_words, reap


def require_installed() -> None:
    """Look for Dask and Optuna without importing them, which takes a second.

    Raises:
        SweepError: They are not installed; the hint says how to.
    """
    if any(find_spec(name) is None for name in ("distributed", "optuna")):
        require_extra()


def start_sweep(root: Path, plan: SweepPlan, data_dir: Path | None) -> SweepFolder:
    """Create a sweep beside the runs in ``root``; returns when another process coordinates it.

    Raises:
        CnnTuiError: It cannot be written or does not begin; nothing of it is left.
    """
    folder = new_sweep(root, plan, data_dir)
    try:
        resume_sweep(folder)
    except CnnTuiError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder


def resume_sweep(folder: SweepFolder, trials: int | None = None) -> None:
    """Resume a sweep in another process and wait, blocking, until that coordinates it.

    With ``trials`` it goes on until it has so many in all.

    Raises:
        SweepError: It does not begin.
    """
    log = folder.path / LOG
    try:
        words = ["sweep", "resume", folder.name, "--runs-dir", str(folder.runs.resolve())]
        process = detached([*words, *(("--trials", str(trials)) if trials else ())], log)
    except OSError as error:
        raise SweepError(f"The sweep {folder.name} cannot begin: {reason_of(error)}.") from None
    while process.poll() is None:
        if folder.coordinated:
            reap(process)
            return
        time.sleep(0.05)
    if process.returncode:
        raise SweepError(f"The sweep {folder.name} does not begin: {last_words(log)}")
