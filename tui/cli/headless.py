"""A whole training in the foreground: signals stop it, its end becomes an exit code."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import CnnTuiError, RunError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.recorder import Recorder
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEnded, RunEvent
from cnn_tui.engine.training.trainer import Trainer
from cnn_tui.tui.cli.reporters import Reporter
from cnn_tui.tui.history.hangup import Heir, OnHangup


def train(
    network: Network,
    dataset: Dataset,
    report: Reporter,
    threads: int | None = None,
    keep: Callable[[Control], Recorder] | None = None,
    on_hangup: OnHangup = "stop",
    heir_words: Sequence[str] = (),
) -> int:
    """Train to the end and return 0, or 128 plus the number of the signal that stopped it.

    ``keep`` opens the folder that the run is kept in, in which it goes on after a hang-up if
    ``on_hangup`` says so; ``heir_words`` are told to ``resume`` then.

    Raises:
        CnnTuiError: The run failed, or it or its end cannot be kept.
        OSError: The output cannot be written to any more; the run was stopped.
    """
    control = Control()
    output = _Output(report, control)
    last: RunEvent | None = None

    def emit(event: RunEvent) -> None:
        nonlocal last
        last = event
        if recorder is not None:
            recorder.record(event)
        output.tell(event)

    with (
        stopped_by_signals(control) as received,
        keep(control) if keep else contextlib.nullcontext() as recorder,
    ):
        Trainer(
            network, dataset, control=control, emit=emit, threads=threads, keeper=recorder
        ).run()
    if received:
        if recorder is not None and isinstance(last, RunEnded) and last.reason == "stopped":
            folder = RunFolder(Path(recorder.path))
            Heir(on_hangup, lambda: folder, heir_words).take_over(128 + received[0])
        return 128 + received[0]
    if output.failure:
        raise output.failure
    if isinstance(last, RunEnded) and last.reason == "failed":
        raise CnnTuiError(last.message or "The training failed.")
    if recorder is not None and recorder.unwritten:
        raise _lost_end(recorder)
    return 0


class _Output:
    """Tells what happens for as long as it can be written; then the run is stopped."""

    def __init__(self, report: Reporter, control: Control) -> None:
        self._report, self._control = report, control
        self.failure: OSError | None = None

    def tell(self, event: RunEvent) -> None:
        if self.failure:
            return
        try:
            self._report(event)
        except OSError as error:
            self.failure = error
            self._control.stop()


def _lost_end(recorder: Recorder) -> RunError:
    return RunError(
        f"The end of the run {recorder.run} could not be written: {recorder.unwritten}. "
        "Others may take it for crashed.",
        f"Mend that; cnn-tui resume {recorder.run} then goes on from its last checkpoint.",
    )


@contextlib.contextmanager
def stopped_by_signals(control: Control) -> Iterator[list[int]]:
    """Stop after the current batch on INT, TERM or HUP; list the signals as they come."""
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and number in received:
            # At once: neither a batch nor another thread may hold up a person who insists.
            os._exit(128 + number)
        received.append(number)
        control.stop()

    before = {number: signal.signal(number, handle) for number in _signals()}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signals() -> Iterator[signal.Signals]:
    yield signal.SIGINT
    yield signal.SIGTERM
    # Under nohup HUP is ignored, and must stay so.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        yield signal.SIGHUP
