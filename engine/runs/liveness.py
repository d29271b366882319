"""Whether a run is being written now, and what state it is in as seen from outside."""

from __future__ import annotations

import os

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import is_young, writer_lives
from cnn_tui.engine.runs.summary import State

STARTING = 10.0
"""Seconds that a process may take from making the folder to holding its lock."""


def writer_present(folder: RunFolder) -> bool:
    """Whether someone writes the run, or is about to."""
    if writer_lives(folder.lock_file, folder.summary_file):
        return True
    return not os.path.lexists(folder.lock_file) and is_young(folder.info_file, STARTING)


def seen_state(folder: RunFolder, written: State) -> State:
    """The state: ``crashed`` where the run is said to go on and nobody is there to do it."""
    if written in ("running", "paused") and not writer_present(folder):
        return "crashed"
    return written
