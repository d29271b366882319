"""The ladder of baselines as the screen sees it: done rungs, and how far the present one is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunStarted
from cnn_tui.tui.widgets.lines import Line
from cnn_tui.tui.widgets.table import TableRow
from cnn_tui.tui.words import duration

if TYPE_CHECKING:
    from cnn_tui.engine.baselines.record import BaselineResult
    from cnn_tui.engine.baselines.suite import BaselineSuite, SuiteEvent

RUNGS = ("knn", "linear-svm", "linear-softmax", "two-layer", "convnet")


class BaselineRunner:
    """Written by one thread, read by another: each field is replaced as a whole."""

    def __init__(self, network: Network, root: Path, data_dir: Path | None) -> None:
        self.rungs: tuple[BaselineResult, ...] = ()
        self.baseline = ""
        self.what = "reading the data"
        self.share = 0.0
        self._network, self._root, self._data_dir = network, root, data_dir
        self._ladder: BaselineSuite | None = None
        self._making = Lock()
        self._steps = 0

    def look(self) -> None:
        """Take what was done before, blocking; raises ``CnnTuiError``."""
        done = self._made().done()
        self.rungs = self.rungs or done

    def run(self, control: Control) -> None:
        """Climb, blocking; raises ``CnnTuiError``."""
        ladder = self._made()
        self.rungs = ()
        for rung in ladder.run(self._tell, control):
            self.rungs = (*self.rungs, rung)
            self.baseline = ""

    def _made(self) -> BaselineSuite:
        """The ladder with its data, which are read once."""
        from cnn_tui.engine.baselines.suite import BaselineSuite
        from cnn_tui.engine.data.catalog import load_dataset, locate

        with self._making:
            if self._ladder is None:
                name, place = locate(self._network.data, self._data_dir)
                dataset = load_dataset(name, place, shape=self._network.input)
                self._ladder = BaselineSuite(dataset, name, self._root, place)
            return self._ladder

    def _tell(self, event: SuiteEvent) -> None:
        from cnn_tui.engine.baselines.suite import BaselineStarted, PairsCompared

        match event:
            case BaselineStarted():
                self.baseline, self.what, self.share = event.baseline, event.baseline, 0.0
            case PairsCompared():
                self.what = f"{self.baseline}, {event.phase}"
                self.share = event.done / max(1, event.total)
            case RunStarted():
                self._steps = event.epochs * event.batches
            case BatchCompleted():
                self.share = event.step / max(1, self._steps)


def records_of(rungs: Sequence[BaselineResult], present: str) -> tuple[TableRow, ...]:
    """A row for each rung, done or to be done."""
    done: dict[str, BaselineResult] = {rung.baseline: rung for rung in rungs}
    return tuple(_record(name, done.get(name), name == present) for name in RUNGS)


def _record(name: str, rung: BaselineResult | None, present: bool) -> TableRow:
    if rung is None:
        word = "in work" if present else "-"
        return TableRow(name, (name, word, "", "", "", ""), "accent" if present else "dim")
    cells = (
        name,
        f"{rung.test_accuracy:.2%}",
        duration(rung.train_seconds),
        duration(rung.predict_ms_per_image / 1000),
        f"{rung.params:,}",
        rung.run,
    )
    return TableRow(name, cells)


def chart_of(rungs: Sequence[BaselineResult], width: int) -> tuple[Line, ...]:
    """A row for each rung that is done: its accuracy, and what training and prediction cost.

    k-NN has no training and the dearest predictions. Times are on a scale of tens: they differ
    by thousands.
    """
    if not rungs:
        return ()
    room = max(4, (width - 18 - 3 * _FIGURE) // 3)
    head = "".join(
        title.ljust(room + _FIGURE)
        for title in ("test accuracy", "training time", "time per image")
    )
    return (
        ((f" {'':<15}{head}"[:width], "dim"),),
        *(_bars(rung, rungs, room) for rung in rungs),
    )


_FIGURE = 10
"""Columns of a bar's number and of the gap behind it."""


def _bars(rung: BaselineResult, rungs: Sequence[BaselineResult], room: int) -> Line:
    train = _on_tens(rung.train_seconds, [one.train_seconds for one in rungs])
    predict = _on_tens(rung.predict_ms_per_image, [one.predict_ms_per_image for one in rungs])
    return (
        (f" {rung.baseline:<15}", "dim"),
        *_bar(rung.test_accuracy, room, f"{rung.test_accuracy:.2%}", "accent"),
        *_bar(train, room, duration(rung.train_seconds), "warn"),
        *_bar(predict, room, duration(rung.predict_ms_per_image / 1000), "good"),
    )


def _bar(share: float, room: int, figure: str, role: str) -> Line:
    full = round(room * share)
    return (
        ("━" * full, role),
        ("─" * (room - full), "faint"),
        (f" {figure:<{_FIGURE - 1}}", ""),
    )


def _on_tens(value: float, values: Sequence[float]) -> float:
    """From a tenth of the least to the largest of the values, as a share; 0 is no bar."""
    some = [one for one in values if one > 0]
    if value <= 0:
        return 0.0
    return (math.log10(value / min(some)) + 1) / (math.log10(max(some) / min(some)) + 1)
