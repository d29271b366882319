"""A training over several processes, as PyTorch's ``torchrun`` starts them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.names import folder_of, run_names
from cnn_tui.engine.torchrun import follows, is_restarted
from cnn_tui.tui.terminal.shutdown import SIGNALS


def follow_to_the_end() -> None:
    """Compute for the process that leads this one until that ends, and end then."""
    if not follows():
        return
    from cnn_tui.engine.engines import follow

    follow(_ignore_signals)
    # Nothing is left to write, and a thread of PyTorch's that outlives its group may abort the way
    # out of the interpreter.
    os._exit(0)


def _ignore_signals() -> None:
    """Leave signals to the leader, which torchrun and terminals send them as well."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def begun_before(runs_dir: Path) -> RunFolder | None:
    """The run that torchrun continues after one of its processes has ended."""
    if not is_restarted():
        return None
    from cnn_tui.engine.runs.environment import is_of_this_launcher

    folders = (RunFolder(folder_of(runs_dir, name)) for name in run_names(runs_dir))
    return next(filter(is_of_this_launcher, folders), None)
