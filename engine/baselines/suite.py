"""The suite of baselines: runs one after another, and reuses and resumes earlier results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from cnn_tui.engine.baselines.knn import PairProgress
from cnn_tui.engine.baselines.neighbours import KNN, BaselineData, keep_knn, run_knn
from cnn_tui.engine.baselines.recipes import BASELINES, Baseline, network_for
from cnn_tui.engine.baselines.record import BaselineRecord, BaselineResult, find, write
from cnn_tui.engine.baselines.trained import train_baseline
from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.cache import digest
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.runs.fingerprint import data_digest, network_digest
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.recorder import Recorder
from cnn_tui.engine.runs.train import new_run, resume_run
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEvent


class BaselineStarted(msgspec.Struct, frozen=True):
    """A baseline begins or resumes."""

    baseline: Baseline
    network: Network | None
    """None for k-NN."""


class PairsCompared(msgspec.Struct, frozen=True):
    """Progress of k-NN."""

    phase: str
    """``choosing k`` or ``comparing``."""
    done: int
    total: int


SuiteEvent = BaselineStarted | PairsCompared | RunEvent
"""An event of the suite; the events of a run are those of its trainer."""


class _StoppedError(Exception):
    """The control stopped the search for neighbours."""


_L2 = KNN()


@dataclass(frozen=True)
class BaselineSuite:
    """The baselines to run on a dataset, and their settings."""

    dataset: Dataset
    name: str
    """Name of the data in runs; with ``data_dir`` it is found again."""
    root: Path
    """The folder of runs, in which each result is kept and found again."""
    data_dir: Path | None = None
    epochs: int | None = None
    """Epochs of every network; None uses each recipe's."""
    seed: int = 0
    knn: KNN = _L2
    threads: int | None = None
    """Number of threads; all cores if None."""
    rungs: tuple[Baseline, ...] = BASELINES
    classes: tuple[str, ...] = ()
    """Names of all classes, if they were listed to read the data; kept in each run."""
    labels_from: str = ""
    """The place of the labels, as the user named it; kept in each run."""

    def run(
        self, emit: Callable[[SuiteEvent], None], control: Control | None = None
    ) -> Iterator[BaselineResult]:
        """Run the baselines and yield each result; ends early if the control stops.

        An interrupted training resumes from its last checkpoint.

        Raises:
            CnnTuiError: A training failed, or a run cannot be kept. Earlier results stay.
        """
        running = _SuiteRun(self, self._source(), emit, control or Control())
        for baseline in self.rungs:
            rung = running.result(baseline)
            if rung is None:
                return
            yield rung

    def done(self) -> tuple[BaselineResult, ...]:
        """The results of earlier calls."""
        running = _SuiteRun(self, self._source(), lambda event: None, Control())
        return tuple(filter(None, map(running.done, self.rungs)))

    def network(self, baseline: Baseline) -> Network:
        """The network that a baseline trains; for any but ``knn``."""
        network = network_for(
            baseline,
            self.dataset.input_shape,
            len(self.dataset.classes),
            len(self.dataset.train),
            data=self.name,
            epochs=self.epochs,
            seed=self.seed,
        )
        return msgspec.structs.replace(network, classes=self.classes, labels_from=self.labels_from)

    def _source(self) -> BaselineData:
        return BaselineData(self.dataset, self.name, self.data_dir, data_digest(self.dataset))


@dataclass(frozen=True)
class _SuiteRun:
    suite: BaselineSuite
    source: BaselineData
    emit: Callable[[SuiteEvent], None]
    control: Control

    def result(self, baseline: Baseline) -> BaselineResult | None:
        """An earlier or a new result; None if the control stopped."""
        if self.control.stopping:
            return None
        compute = self._knn if baseline == "knn" else partial(self._trained, baseline)
        return self.done(baseline) or compute()

    def done(self, baseline: Baseline) -> BaselineResult | None:
        """The earlier result, if any, with the present name of its run."""
        folder, record = find(self.suite.root, self._key(baseline)) or (None, None)
        if folder is None or record is None or record.rung is None:
            return None
        return msgspec.structs.replace(record.rung, run=folder.name, done_before=True)

    def _key(self, baseline: Baseline) -> str:
        if baseline == "knn":
            return digest("knn", self.source.digest, *self.suite.knn)
        network = self.suite.network(baseline)
        return digest(self.source.digest, network_digest(network), network.training.epochs)

    @property
    def _threads(self) -> int:
        return self.suite.threads or default_threads()

    def _knn(self) -> BaselineResult | None:
        self.emit(BaselineStarted("knn", None))
        try:
            rung = run_knn(self.suite.dataset, self.suite.knn, self._threads, self._progress)
        except _StoppedError:
            return None
        return keep_knn(self.suite.root, self._key("knn"), rung, self.source)

    def _progress(self, phase: str) -> PairProgress:
        def report(done: int, total: int) -> None:
            self.emit(PairsCompared(phase, done, total))
            self.control.wait_while_paused()
            if self.control.stopping:
                raise _StoppedError

        return report

    def _trained(self, baseline: Baseline) -> BaselineResult | None:
        network, key = self.suite.network(baseline), self._key(baseline)
        earlier = find(self.suite.root, key)
        self.emit(BaselineStarted(baseline, network))
        with self._recorder(network, earlier[0] if earlier else None) as recorder:
            folder = RunFolder(Path(recorder.path))
            write(folder, BaselineRecord(key))
            rung = train_baseline(
                baseline,
                network,
                self.suite.dataset,
                recorder,
                emit=self.emit,
                control=self.control,
                threads=self._threads,
            )
            if rung is not None:
                write(folder, BaselineRecord(key, rung))
        return rung

    def _recorder(self, network: Network, begun: RunFolder | None) -> Recorder:
        dataset = self.suite.dataset
        if begun is not None:
            return resume_run(begun, network, dataset, control=self.control)
        return new_run(
            self.suite.root,
            network,
            dataset,
            control=self.control,
            data_dir=self.suite.data_dir,
        )
