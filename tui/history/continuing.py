"""Continuing a run that ended, in the app or in another process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import read_end
from cnn_tui.engine.runs.folder import Reproduction, RunFolder
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.lock import writer_lives
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEnded, RunEvent, RunStarted
from cnn_tui.tui.session import Emit, require_kept, telling

LOG = "headless.log"
"""The file in a run's folder with the output of a process without a terminal."""

_MOST = 1 << 16
"""Bytes read from the end of the log."""


def resume_here(
    network: Network,
    control: Control,
    emit: Emit,
    *,
    folder: RunFolder,
    from_step: int | None = None,
) -> None:
    """Resume a run, blocking; its past events come first. Raises ``CnnTuiError``."""
    from cnn_tui.engine.data.catalog import load_network_data
    from cnn_tui.engine.runs.train import data_folder, resume_run, train_recorded

    past = [event for event in Follower(folder).poll() if not isinstance(event, RunEnded)]
    place = data_folder(folder, None)
    _, dataset, _ = load_network_data(network, place, skip_damaged=True, progress=telling(control))
    with resume_run(folder, network, dataset, control=control, from_step=from_step) as recorder:

        def emit_with_past(event: RunEvent) -> None:
            if isinstance(event, RunStarted):
                for earlier in past:
                    # Steps after the checkpoint are computed again.
                    if isinstance(earlier, RunStarted) or earlier.step <= event.from_step:
                        emit(earlier)
            emit(event)

        train_recorded(network, dataset, recorder, control, emit_with_past)
    require_kept(recorder)


def reproduce_here(
    network: Network, control: Control, emit: Emit, *, folder: RunFolder, again: Reproduction
) -> None:
    """Train a run again as a new run, blocking. Raises ``CnnTuiError``."""
    from cnn_tui.engine.data.catalog import load_network_data
    from cnn_tui.engine.runs.train import data_folder, new_run, train_recorded

    root, place = folder.path.parent, data_folder(folder, None)
    _, dataset, _ = load_network_data(network, place, skip_damaged=True, progress=telling(control))
    with new_run(root, network, dataset, control=control, data_dir=place, again=again) as recorder:
        train_recorded(network, dataset, recorder, control, emit)
    require_kept(recorder)


def resume_detached(folder: RunFolder, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Resume a run in a process that outlives the terminal; its output goes to a log.

    ``options`` are those of ``cnn-tui resume``.

    Raises:
        RunError: The process cannot be started.
    """
    words = ["resume", folder.name, "--runs-dir", str(folder.path.parent.resolve()), *options]
    try:
        return detached(words, folder.path / LOG)
    except OSError as error:
        raise RunError(
            f"The run {folder.name} cannot continue in another process: {reason_of(error)}.",
            f"cnn-tui resume {folder.name} resumes it.",
        ) from None


_APART = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(
    subprocess, "CREATE_NEW_PROCESS_GROUP", 0
)
"""A new session, as Windows has it; 0 elsewhere."""


def detached(words: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command of cnn-tui in a process that outlives the terminal, with its output in a log.

    Raises:
        OSError: The process cannot be started.
    """
    with Storage().open(log, "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "cnn_tui.tui", *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            creationflags=_APART,
        )


async def wait_until_running(process: subprocess.Popen[bytes], folder: RunFolder) -> None:
    """Wait until the process trains the run.

    Raises:
        RunError: The process ended before that; the message is its last output.
    """
    while process.poll() is None:
        if writer_lives(folder.lock_file, folder.summary_file):
            reap(process)
            return
        await asyncio.sleep(0.05)
    if process.returncode:
        words = last_words(folder.path / LOG)
        raise RunError(f"The run {folder.name} does not continue in another process: {words}")


def reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for a detached process on a thread: without that it would look alive after its end."""
    threading.Thread(target=process.wait, name="reaper", daemon=True).start()


def last_words(log: Path) -> str:
    """Return the last line of a log, or why it cannot be read."""
    try:
        words = read_end(log, _MOST).decode(errors="replace")
    except OSError as error:
        return str(error)
    return words.strip().rpartition("\n")[2]
