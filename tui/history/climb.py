"""The ladder of baselines as the screen sees it: done rungs, and how far the present one is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunStarted
from cnn_tui.tui.widgets.lines import Line
from cnn_tui.tui.widgets.table import Record

if TYPE_CHECKING:
    from cnn_tui.engine.baselines.ladder import LadderEvent
    from cnn_tui.engine.baselines.record import Rung

RUNGS = ("knn", "linear-svm", "linear-softmax", "two-layer", "convnet")


class Climb:
    """Written by one thread, read by another: each field is replaced as a whole."""

    def __init__(self) -> None:
        self.rungs: tuple[Rung, ...] = ()
        self.baseline = ""
        self.what = "reading the data"
        self.share = 0.0
        self._steps = 0

    def run(self, network: Network, root: Path, data_dir: Path | None, control: Control) -> None:
        """Climb, blocking; raises ``CnnTuiError``."""
        from cnn_tui.engine.baselines.ladder import Ladder
        from cnn_tui.engine.data.catalog import load_dataset, locate

        name, place = locate(network.data, data_dir)
        dataset = load_dataset(name, place, shape=network.input)
        for rung in Ladder(dataset, name, root, place).climb(self._tell, control):
            self.rungs = (*self.rungs, rung)
            self.baseline = ""

    def _tell(self, event: LadderEvent) -> None:
        from cnn_tui.engine.baselines.ladder import PairsCompared, RungStarted

        match event:
            case RungStarted():
                self.baseline, self.what, self.share = event.baseline, event.baseline, 0.0
            case PairsCompared():
                self.what = f"{self.baseline}, {event.phase}"
                self.share = event.done / max(1, event.total)
            case RunStarted():
                self._steps = event.epochs * event.batches
            case BatchCompleted():
                self.share = event.step / max(1, self._steps)


def records_of(rungs: Sequence[Rung], present: str) -> tuple[Record, ...]:
    """A row for each rung, done or to be done."""
    done: dict[str, Rung] = {rung.baseline: rung for rung in rungs}
    return tuple(_record(name, done.get(name), name == present) for name in RUNGS)


def _record(name: str, rung: Rung | None, present: bool) -> Record:
    if rung is None:
        word = "in work" if present else "-"
        return Record(name, (name, word, "", "", "", ""), "accent" if present else "dim")
    cells = (
        name,
        f"{rung.test_accuracy:.2%}",
        f"{rung.train_seconds:,.1f} s",
        f"{rung.predict_ms_per_image:.3f} ms",
        f"{rung.params:,}",
        rung.run,
    )
    return Record(name, cells)


def chart_of(rungs: Sequence[Rung], width: int) -> tuple[Line, ...]:
    """A bar of test accuracy for each rung that is done."""
    room = max(10, width - 28)
    return tuple(
        (
            (f" {rung.baseline:<15}", "dim"),
            ("━" * round(room * rung.test_accuracy), "accent"),
            ("─" * (room - round(room * rung.test_accuracy)), "faint"),
            (f" {rung.test_accuracy:.1%}", ""),
        )
        for rung in rungs
    )
