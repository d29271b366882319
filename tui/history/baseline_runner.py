"""The baselines as the screen sees them: finished results, and the progress of the present one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunStarted
from cnn_tui.tui.rows import TableRow
from cnn_tui.tui.session import progress_of
from cnn_tui.tui.words import count, duration

if TYPE_CHECKING:
    from cnn_tui.engine.baselines.recipes import Baseline
    from cnn_tui.engine.baselines.record import BaselineResult
    from cnn_tui.engine.baselines.suite import BaselineSuite, SuiteEvent


RUNGS: tuple[Baseline, ...] = ("knn", "linear-svm", "linear-softmax", "two-layer", "convnet")


class Planned(NamedTuple):
    """What is known of a baseline before its training."""

    layers: str
    params: int
    length: str

    @classmethod
    def of(cls, network: Network) -> Planned:
        length = count(network.training.epochs, "epoch")
        return cls(to_quick(network.layers), check(network).total_params, length)


class BaselineRunner:
    """Runs the baselines on one thread; another may read: fields are replaced as a whole."""

    def __init__(
        self, network: Network, root: Path, data_dir: Path | None, *, skip_damaged: bool = False
    ) -> None:
        self.rungs: tuple[BaselineResult, ...] = ()
        self.planned: Mapping[str, Planned] = {}
        """What is known of all but k-NN once the data is read."""
        self.chance: float | None = None
        """The share of images that a guess gets right."""
        self.baseline = ""
        self.what = "reading the data"
        self.share = 0.0
        self.reading = ""
        """How far the pictures of the data are read; empty before and after."""
        self.closed = False
        """Whether the screen was closed; reading is then given up."""
        self._network, self._root, self._data_dir = network, root, data_dir
        self._skip_damaged = skip_damaged
        self._ladder: BaselineSuite | None = None
        self._making = Lock()
        self._steps = 0

    def look(self) -> None:
        """Read the results of earlier runs, blocking; raises ``CnnTuiError``."""
        ladder = self._made()
        self.chance = 1 / max(1, len(ladder.dataset.classes))
        self.planned = {name: Planned.of(ladder.network(name)) for name in RUNGS if name != "knn"}
        done = ladder.done()
        self.rungs = self.rungs or done

    def run(self, control: Control) -> None:
        """Run the missing baselines, blocking; raises ``CnnTuiError``."""
        ladder = self._made()
        self.rungs = ()
        for rung in ladder.run(self._tell, control):
            self.rungs = (*self.rungs, rung)
            self.baseline = ""

    def _made(self) -> BaselineSuite:
        """Return the suite with its data, which is read once."""
        from cnn_tui.engine.baselines.suite import BaselineSuite
        from cnn_tui.engine.data.catalog import load_network_data

        with self._making:
            if self._ladder is None:
                network, dataset, place = load_network_data(
                    self._network,
                    self._data_dir,
                    skip_damaged=self._skip_damaged,
                    progress=progress_of(self._read_so_far, lambda: self.closed),
                )
                self._ladder = BaselineSuite(
                    dataset,
                    network.data,
                    self._root,
                    place,
                    classes=network.classes,
                    labels_from=network.labels_from,
                )
            return self._ladder

    def _read_so_far(self, words: str) -> None:
        self.reading = words

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


def records_of(
    rungs: Sequence[BaselineResult], present: str, planned: Mapping[str, Planned]
) -> tuple[TableRow, ...]:
    """Return a row for each baseline, finished or pending."""
    done: dict[str, BaselineResult] = {rung.baseline: rung for rung in rungs}
    return tuple(
        _record(name, done.get(name), name == present, planned.get(name)) for name in RUNGS
    )


def _record(
    name: str, rung: BaselineResult | None, present: bool, planned: Planned | None
) -> TableRow:
    if rung is None:
        word = "running" if present else "-"
        params = f"{planned.params:,}" if planned else ""
        return TableRow(name, (name, word, "", "", params, ""), "accent" if present else "dim")
    cells = (
        name,
        f"{rung.test_accuracy:.2%}",
        duration(rung.train_seconds),
        duration(rung.predict_ms_per_image / 1000),
        f"{rung.params:,}",
        rung.run,
    )
    return TableRow(name, cells)
