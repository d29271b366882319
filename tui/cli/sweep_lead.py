"""Leading a sweep on the command line: what happens is printed, signals stop it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.sweeps.cluster import Cluster
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.leading import Stoppable, lead_sweep
from cnn_tui.engine.sweeps.plan import SweepPlan
from cnn_tui.engine.sweeps.state import read_sweep
from cnn_tui.tui.cli.output import print_json, print_line
from cnn_tui.tui.cli.sweep_lines import SweepReporter
from cnn_tui.tui.cli.sweep_tables import print_state
from cnn_tui.tui.terminal.shutdown import SIGNALS


def lead(
    folder: SweepFolder,
    plan: SweepPlan,
    cluster: Cluster,
    dataset: Dataset,
    ending: SweepEnding,
    checkpoint_every: int | None,
    *,
    as_json: bool,
) -> int:
    """Lead a sweep and return the exit code."""
    reporter = SweepReporter(folder.name, as_json=as_json)
    phase = lead_sweep(
        folder, plan, dataset, cluster, reporter.tell, ending.begin, checkpoint_every
    )
    state = read_sweep(folder)
    if as_json:
        end = {"event": "sweep_ended", "sweep": folder.name, "phase": phase, "best": state.best}
        print_json(end | {"message": state.message, "refused": state.refused})
    else:
        print_state(state)
        if phase != "finished":
            print_line(f"Continue with: cnn-tui sweep resume {folder.name}")
    return ending.code


class SweepEnding:
    """Stops a sweep at the first signal, and this process at a second one."""

    def __init__(self) -> None:
        self._sweep: Stoppable | None = None
        self._number = 0

    @property
    def code(self) -> int:
        """128 plus the number of the signal; 0 if none came."""
        return 128 + self._number if self._number else 0

    def begin(self, sweep: Stoppable) -> None:
        """Stop this sweep from now on."""
        self._sweep = sweep
        if self._number:
            sweep.stop()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Stop; end this process at a second interrupt."""
        if self._number == number == signal.SIGINT:
            os._exit(128 + number)
        self._number = number
        if self._sweep is not None:
            self._sweep.stop()


@contextmanager
def stopped_by_signals() -> Iterator[SweepEnding]:
    """Stop the sweep on INT, TERM or HUP, also one that is about to begin."""
    ending = SweepEnding()
    # Under nohup HUP is ignored, and must stay so.
    numbers = [n for n in SIGNALS if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, ending.handle) for number in numbers}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
