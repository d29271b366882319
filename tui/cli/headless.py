"""A training in the foreground: signals stop it, its end becomes an exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.recorder import Recorder
from cnn_tui.engine.runs.train import train_recorded
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEnded, RunEvent
from cnn_tui.engine.training.snapshot import Weights
from cnn_tui.tui.cli.outlet import printing
from cnn_tui.tui.cli.reporters import Reporter
from cnn_tui.tui.cli.stopping import stopped_by_signals
from cnn_tui.tui.history.hangup import DetachOnHangup, OnHangup
from cnn_tui.tui.session import require_kept


def train(
    network: Network,
    dataset: Dataset,
    reporter: Reporter,
    threads: int | None = None,
    keep: Callable[[Control], Recorder] | None = None,
    on_hangup: OnHangup = "stop",
    heir_words: Sequence[str] = (),
    *,
    weights: Weights | None = None,
) -> int:
    """Train to the end; returns 0, or 128 plus the number of the signal that stopped it.

    ``keep`` opens the folder of the run; with ``on_hangup`` set to continue, a hang-up resumes it
    in another process, with ``heir_words`` as further options of ``resume``. ``weights`` are the
    initial ones of a run that is not kept. The run is written and its lock released before the last
    lines are printed.

    Raises:
        CnnTuiError: The run failed, or it or its end cannot be written.
        OSError: The output can no longer be written; the run was stopped.
    """
    control = Control()
    last: RunEvent | None = None

    def emit(event: RunEvent) -> None:
        nonlocal last
        last = event
        outlet.put(event)

    with stopped_by_signals(control) as ending, printing(reporter, control, ending) as outlet:
        with keep(control) if keep else nullcontext() as recorder:
            train_recorded(
                network, dataset, recorder, control, emit, threads=threads, weights=weights
            )
        if ending.code and recorder is not None and _was_stopped(last):
            folder = RunFolder(Path(recorder.path))
            DetachOnHangup(on_hangup, lambda: folder, heir_words).detach(ending.code)
        require_kept(recorder)
        if isinstance(last, RunEnded) and last.reason == "failed":
            raise CnnTuiError(last.message or "The training failed.")
    return ending.code


def _was_stopped(last: RunEvent | None) -> bool:
    return isinstance(last, RunEnded) and last.reason == "stopped"
