"""The ladder of the notes, climbed rung by rung; what was done before is not done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cnn_tui.engine.baselines.knn import Tell
from cnn_tui.engine.baselines.neighbours import KNN, BaselineData, keep_knn, run_knn
from cnn_tui.engine.baselines.recipes import BASELINES, Baseline, network_for
from cnn_tui.engine.baselines.record import BaselineRecord, BaselineResult, find, write
from cnn_tui.engine.baselines.trained import train_rung
from cnn_tui.engine.data.cache import digest
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.runs.fingerprint import data_digest, network_digest
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.recorder import Recorder
from cnn_tui.engine.runs.train import new_run, resume_run
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.threads import default_threads
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEvent


class BaselineStarted(msgspec.Struct, frozen=True):
    """A baseline that is not done yet begins, or goes on."""

    baseline: Baseline
    network: Network | None
    """None for k-NN."""


class PairsCompared(msgspec.Struct, frozen=True):
    """How far k-NN is."""

    phase: str
    """``choosing k`` or ``comparing``."""
    done: int
    total: int


SuiteEvent = BaselineStarted | PairsCompared | RunEvent
"""What happens between one rung and the next; those of a run are its trainer's."""


class _StoppedError(Exception):
    """The control ended the search for neighbours."""


_L2 = KNN()


@dataclass(frozen=True)
class BaselineSuite:
    """What to climb, and with which settings."""

    dataset: Dataset
    name: str
    """What a run records as its data, with the folder below, so that it is found again."""
    root: Path
    """The folder of runs: the history in which each rung is kept and found again."""
    data_dir: Path | None = None
    epochs: int | None = None
    """Of every network instead of its recipe's."""
    seed: int = 0
    knn: KNN = _L2
    threads: int | None = None
    """All cores if None."""
    rungs: tuple[Baseline, ...] = BASELINES

    def climb(
        self, emit: Callable[[SuiteEvent], None], control: Control | None = None
    ) -> Iterator[BaselineResult]:
        """Each rung as soon as it is done; ends early if the control says so.

        A network whose training was interrupted goes on from its last checkpoint.

        Raises:
            CnnTuiError: A training failed, or a run cannot be kept. The rungs before stay.
        """
        climber = _Climber(self, self._source(), emit, control or Control())
        for baseline in self.rungs:
            rung = climber.rung(baseline)
            if rung is None:
                return
            yield rung

    def done(self) -> tuple[BaselineResult, ...]:
        """The rungs that are in the history already."""
        climber = _Climber(self, self._source(), lambda event: None, Control())
        return tuple(filter(None, map(climber.done, self.rungs)))

    def _source(self) -> BaselineData:
        return BaselineData(self.dataset, self.name, self.data_dir, data_digest(self.dataset))


@dataclass(frozen=True)
class _Climber:
    ladder: BaselineSuite
    source: BaselineData
    emit: Callable[[SuiteEvent], None]
    control: Control

    def rung(self, baseline: Baseline) -> BaselineResult | None:
        """The result, found or made; None if the control ended it."""
        if self.control.stopping:
            return None
        return self.done(baseline) or self._made(baseline)

    def done(self, baseline: Baseline) -> BaselineResult | None:
        """The result, if there is one; the run may have got another name since."""
        found = find(self.ladder.root, self._key(baseline))
        if found is None or found[1].rung is None:
            return None
        return msgspec.structs.replace(found[1].rung, run=found[0].name, done_before=True)

    def _made(self, baseline: Baseline) -> BaselineResult | None:
        return self._knn() if baseline == "knn" else self._trained(baseline)

    def _key(self, baseline: Baseline) -> str:
        if baseline == "knn":
            return digest("knn", self.source.digest, *self.ladder.knn)
        network = self._network(baseline)
        return digest(self.source.digest, network_digest(network), network.training.epochs)

    @property
    def _threads(self) -> int:
        return self.ladder.threads or default_threads()

    def _knn(self) -> BaselineResult | None:
        self.emit(BaselineStarted("knn", None))
        try:
            rung = run_knn(self.ladder.dataset, self.ladder.knn, self._threads, self._tell)
        except _StoppedError:
            return None
        return keep_knn(self.ladder.root, self._key("knn"), rung, self.source)

    def _tell(self, phase: str) -> Tell:
        def tell(done: int, total: int) -> None:
            self.emit(PairsCompared(phase, done, total))
            self.control.wait_while_paused()
            if self.control.stopping:
                raise _StoppedError

        return tell

    def _trained(self, baseline: Baseline) -> BaselineResult | None:
        network, key = self._network(baseline), self._key(baseline)
        found = find(self.ladder.root, key)
        self.emit(BaselineStarted(baseline, network))
        with self._recorder(network, found[0] if found else None) as recorder:
            folder = RunFolder(Path(recorder.path))
            write(folder, BaselineRecord(key))
            rung = train_rung(
                baseline,
                network,
                self.ladder.dataset,
                recorder,
                emit=self.emit,
                control=self.control,
                threads=self._threads,
            )
            if rung is not None:
                write(folder, BaselineRecord(key, rung))
        return rung

    def _network(self, baseline: Baseline) -> Network:
        dataset = self.ladder.dataset
        return network_for(
            baseline,
            dataset.input_shape,
            len(dataset.classes),
            len(dataset.train),
            data=self.source.name,
            epochs=self.ladder.epochs,
            seed=self.ladder.seed,
        )

    def _recorder(self, network: Network, begun: RunFolder | None) -> Recorder:
        dataset = self.ladder.dataset
        if begun is not None:
            return resume_run(begun, network, dataset, control=self.control)
        return new_run(
            self.ladder.root,
            network,
            dataset,
            control=self.control,
            data_dir=self.ladder.data_dir,
        )
