"""Taking up a run that ended, in the app or in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import read_end
from cnn_tui.engine.runs.folder import Reproduction, RunFolder
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.lock import writer_lives
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEnded, RunEvent, RunStarted
from cnn_tui.tui.history.unkept import require_kept
from cnn_tui.tui.session import Emit

LOG = "headless.log"
"""In the folder of a run: what a process without a terminal has printed."""
_MOST = 1 << 16
"""Bytes of its end that are read."""


def resume_here(
    network: Network,
    control: Control,
    emit: Emit,
    *,
    folder: RunFolder,
    from_step: int | None = None,
) -> None:
    """Go on with a run, blocking; its past is told first. Raises ``CnnTuiError``."""
    from cnn_tui.engine.data.catalog import load_dataset
    from cnn_tui.engine.runs.train import data_folder, resume_run, train_recorded

    past = [event for event in Follower(folder).poll() if not isinstance(event, RunEnded)]
    place = data_folder(folder, None)
    dataset = load_dataset(network.data, place, shape=network.input, skip_damaged=True)
    with resume_run(folder, network, dataset, control=control, from_step=from_step) as recorder:

        def emit_with_past(event: RunEvent) -> None:
            if isinstance(event, RunStarted):
                for one in past:
                    # What came after the checkpoint is computed again.
                    if isinstance(one, RunStarted) or one.step <= event.from_step:
                        emit(one)
            emit(event)

        train_recorded(network, dataset, recorder, control, emit_with_past)
    require_kept(recorder)


def repeat_here(
    network: Network, control: Control, emit: Emit, *, folder: RunFolder, again: Reproduction
) -> None:
    """Train a run once more beside it, blocking. Raises ``CnnTuiError``."""
    from cnn_tui.engine.data.catalog import load_dataset
    from cnn_tui.engine.runs.train import data_folder, new_run, train_recorded

    root, place = folder.path.parent, data_folder(folder, None)
    dataset = load_dataset(network.data, place, shape=network.input, skip_damaged=True)
    with new_run(root, network, dataset, control=control, data_dir=place, again=again) as recorder:
        train_recorded(network, dataset, recorder, control, emit)
    require_kept(recorder)


def resume_detached(folder: RunFolder, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Go on with a run in a process that no terminal can end; what it prints goes to a log.

    ``options`` are those of ``cnn-tui resume``.

    Raises:
        RunError: if no process can be started.
    """
    words = ["resume", folder.name, "--runs-dir", str(folder.path.parent.resolve()), *options]
    try:
        with Storage().open(folder.path / LOG, "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "cnn_tui.tui", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError as error:
        raise RunError(
            f"The run {folder.name} cannot go on by itself: {reason_of(error)}.",
            f"cnn-tui resume {folder.name} takes it up.",
        ) from None


async def wait_until_running(process: subprocess.Popen[bytes], folder: RunFolder) -> None:
    """Wait until the process trains the run.

    Raises:
        RunError: if it ended before that, with the last that it printed.
    """
    while process.poll() is None:
        if writer_lives(folder.lock_file, folder.summary_file):
            # A process that ended and was not waited for would pass for alive.
            threading.Thread(target=process.wait, name="reaper", daemon=True).start()
            return
        await asyncio.sleep(0.05)
    if process.returncode:
        raise RunError(f"The run {folder.name} does not go on by itself: {_last_words(folder)}")


def _last_words(folder: RunFolder) -> str:
    try:
        words = read_end(folder.path / LOG, _MOST).decode(errors="replace")
    except OSError as error:
        return str(error)
    return words.strip().rpartition("\n")[2]
