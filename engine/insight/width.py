"""How many filters: one layer made narrower and wider, and trained anew with several seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import msgspec

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import CnnTuiError, InsightError
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.health import health
from cnn_tui.engine.insight.passes import Cancelled, CancelledError, Progress, check_in, part_of
from cnn_tui.engine.insight.resizing import with_filters
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.runs.fingerprint import data_digest, network_digest
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.manage import annotate
from cnn_tui.engine.runs.names import run_names
from cnn_tui.engine.runs.recorder import Recorder
from cnn_tui.engine.runs.summary import Summary, summarize
from cnn_tui.engine.runs.train import new_run, resume_run, train_recorded, with_epochs
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.threads import default_threads
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunEnded, RunEvent

SEEDS = (0, 1, 2)
TAG = "width"
"""The tag of the runs; a run without it is trained again."""
HEALTH_IMAGES = 1_000
"""Validation images by which the filters of a point are judged."""


class WidthPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One training."""

    filters: int
    seed: int
    run: str
    """Name of its run, which can be opened like any other."""
    accuracy: float
    """Of the best epoch on the validation split, 0 to 1."""
    effective_rank: float
    distinct: int
    params: int
    """Parameters of the whole network."""


class Spread(msgspec.Struct, frozen=True):
    """A measure over the seeds of one width."""

    mean: float
    std: float
    """Standard deviation of a sample; 0 for a single seed."""
    low: float
    high: float


class WidthSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The points of one width."""

    filters: int
    params: int
    accuracy: Spread
    effective_rank: Spread
    distinct: Spread


class WidthCurve(msgspec.Struct, frozen=True):
    """The measures of a layer against its number of filters, ``inspect RUN width --json``."""

    layer: str
    data: str
    epochs: int
    points: tuple[WidthPoint, ...]
    widths: tuple[WidthSummary, ...]


def widths_around(filters: int) -> tuple[int, ...]:
    """Widths to try: a quarter, a half, the same, twice and four times as many filters."""
    return tuple(
        sorted({max(1, filters // 4), max(1, filters // 2), *(filters * n for n in (1, 2, 4))})
    )


def width(
    network: Network,
    dataset: Dataset,
    layer: str,
    widths: Sequence[int] = (),
    *,
    root: Path,
    data_dir: Path | None = None,
    seeds: Sequence[int] = SEEDS,
    epochs: int | None = None,
    threads: int | None = None,
    control: Control | None = None,
    found: Callable[[WidthPoint], None] = lambda point: None,
    progress: Progress = None,
    cancelled: Cancelled = None,
) -> WidthCurve:
    """Train the network with each width of a layer and each seed.

    Each training is a run in ``root`` with the tag ``width``. One that is there already is not
    trained again, one that was cut off is taken up where it stopped.

    The data is ``dataset``, which ``network.data`` names; ``data_dir``, the folder of its files, is
    recorded in the runs. Without ``widths``, they are a quarter to four times the layer's own.
    ``epochs`` None are those of the recipe, ``threads`` None are all cores. ``control`` pauses and
    stops the training under way, ``found`` is called with each point as soon as it is known. For
    ``progress`` and ``cancelled`` see :mod:`passes`; the training under way is kept.

    Raises:
        InsightError: if there is no such layer, or the others do not fit another width.
        CancelledError: if ``cancelled`` says so, or ``control`` stopped a training.
        CnnTuiError: if a training failed.
    """
    name = _require_conv(network, layer)
    network = with_epochs(network, epochs)
    chosen = tuple(widths) or widths_around(wired(network)[name].layer.out_channels)
    work = _Trainings(
        dataset, root, data_dir, threads or default_threads(), control or Control(), cancelled
    )
    tries = list(product(sorted(set(chosen)), sorted(set(seeds))))
    variants = [_variant(network, name, *one) for one in tries]
    points = []
    for number, (one, variant) in enumerate(zip(tries, variants, strict=True)):
        part = part_of(progress, number / len(tries), (number + 1) / len(tries))
        check_in(0.0, part, cancelled)
        points.append(_point(*work.trained(variant, part), dataset, name, *one))
        found(points[-1])
    check_in(1.0, progress, cancelled)
    every = tuple(points)
    return WidthCurve(name, dataset.name, network.training.epochs, every, _summaries(every))


def _require_conv(network: Network, layer: str) -> str:
    convs = wired(network)
    if layer in convs:
        return layer
    known = ", ".join(convs) or "none"
    raise InsightError(f"There is no conv layer called {layer}.", f"Conv layers: {known}.")


def _variant(network: Network, layer: str, filters: int, seed: int) -> Network:
    resized = with_filters(network, layer, filters)
    training = msgspec.structs.replace(network.training, seed=seed)
    name = f"{network.name or 'network'}-{layer}-{filters}"[:64]
    return msgspec.structs.replace(resized, name=name, training=training)


@dataclass
class _Trainings:
    """Trains networks, unless a run has done it."""

    dataset: Dataset
    root: Path
    data_dir: Path | None
    threads: int
    control: Control
    cancelled: Cancelled
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        self.digest = data_digest(self.dataset)

    def trained(self, network: Network, progress: Progress) -> tuple[RunFolder, Summary]:
        """A completed run of the network, and its figures."""
        folder = self._begun(network)
        if folder is not None:
            summary = summarize(folder.events_file, folder.info().created)
            if summary.state == "completed":
                return folder, summary
        with self._recorder(network, folder) as recorder:
            folder = RunFolder(Path(recorder.path))
            annotate(folder, tags=(TAG, *folder.notes().tags))
            watch = _TrainingWatch(network, self.dataset, self.control, progress, self.cancelled)
            train_recorded(
                network, self.dataset, recorder, self.control, watch.observe, threads=self.threads
            )
        watch.require_completed()
        return folder, summarize(folder.events_file, folder.info().created)

    def _begun(self, network: Network) -> RunFolder | None:
        """The run of exactly this network, data and number of epochs, if there is one."""
        wanted = network_digest(network)
        for name in sorted(run_names(self.root)):
            folder = RunFolder(self.root / name)
            try:
                if TAG not in folder.notes().tags or folder.info().data_sha256 != self.digest:
                    continue
                other = folder.network()
            except CnnTuiError:
                continue
            same_length = other.training.epochs == network.training.epochs
            if same_length and network_digest(other) == wanted:
                return folder
        return None

    def _recorder(self, network: Network, begun: RunFolder | None) -> Recorder:
        if begun is not None:
            return resume_run(begun, begun.network(), self.dataset, control=self.control)
        return new_run(
            self.root, network, self.dataset, control=self.control, data_dir=self.data_dir
        )


class _TrainingWatch:
    """Follows a training: reports its progress and stops it when it is cancelled."""

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        control: Control,
        progress: Progress,
        cancelled: Cancelled,
    ) -> None:
        recipe = network.training
        self._name = network.name
        self._steps = recipe.epochs * -(-len(dataset.train) // recipe.batch_size)
        self._control, self._progress, self._cancelled = control, progress, cancelled
        self._ended: RunEnded | None = None

    def observe(self, event: RunEvent) -> None:
        match event:
            case BatchCompleted():
                if self._progress is not None:
                    self._progress(min(1.0, event.step / self._steps))
                if self._cancelled is not None and self._cancelled():
                    self._control.stop()
            case RunEnded():
                self._ended = event

    def require_completed(self) -> None:
        if self._ended is None or self._ended.reason == "failed":
            why = self._ended.message if self._ended else "it ended without a result."
            raise CnnTuiError(f"The training of {self._name} failed: {why}")
        if self._ended.reason != "completed":
            raise CancelledError


def _point(
    folder: RunFolder, summary: Summary, dataset: Dataset, layer: str, filters: int, seed: int
) -> WidthPoint:
    state = read_state(folder)
    subject = Subject(
        network=state.network,
        model=state.model(),
        name=folder.name,
        state="best",
        classes=state.classes,
        eye=Eye(state.normalizer, state.peak),
        data=dataset,
    )
    with closing(subject):
        (filter_health,) = health(subject, [layer], limit=HEALTH_IMAGES).layers
        params = subject.model.store.size
    return WidthPoint(
        filters=filters,
        seed=seed,
        run=folder.name,
        accuracy=summary.best_val_accuracy or 0.0,
        effective_rank=filter_health.effective_rank,
        distinct=filter_health.distinct,
        params=params,
    )


def _summaries(points: Sequence[WidthPoint]) -> tuple[WidthSummary, ...]:
    widths = sorted({point.filters for point in points})
    return tuple(_summary([p for p in points if p.filters == filters]) for filters in widths)


def _summary(points: Sequence[WidthPoint]) -> WidthSummary:
    return WidthSummary(
        filters=points[0].filters,
        params=points[0].params,
        accuracy=_spread([point.accuracy for point in points]),
        effective_rank=_spread([point.effective_rank for point in points]),
        distinct=_spread([float(point.distinct) for point in points]),
    )


def _spread(values: Sequence[float]) -> Spread:
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return Spread(statistics.fmean(values), std, min(values), max(values))
