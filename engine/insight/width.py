"""How many filters: a layer made narrower and wider, each retrained with several seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path

import msgspec

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.health import health
from cnn_tui.engine.insight.resizing import with_filters
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.summary import summarize
from cnn_tui.engine.runs.train import with_epochs
from cnn_tui.engine.runs.train_once import train_once
from cnn_tui.engine.runs.watcher import NOBODY, CancelledError, Watcher
from cnn_tui.engine.specs.network import Network

SEEDS = (0, 1, 2)
TAG = "width"
"""The tag of the runs; a run without it is trained again."""
HEALTH_IMAGES = 1_000
"""Validation images by which the filters of a point are judged."""


class WidthPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A training with one number of filters and one seed."""

    filters: int
    seed: int
    run: str
    """Name of its run, which can be opened like any other."""
    accuracy: float
    """Accuracy of the best epoch on the validation split, 0 to 1."""
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
    found: Callable[[WidthPoint], None] = lambda point: None,
    watcher: Watcher = NOBODY,
) -> WidthCurve:
    """Train the network with each width of a layer and each seed.

    Each training is a run in ``root`` with the tag ``width``. One that is there already is not
    trained again, one that was interrupted is resumed.

    The data is ``dataset``, which ``network.data`` names; ``data_dir``, the folder of its files, is
    recorded in the runs. Without ``widths``, they are a quarter to four times the layer's own.
    ``epochs`` None are those of the recipe, ``threads`` None are all cores. ``found`` is called
    with each point as soon as it is known. If ``watcher`` cancels, the training under way is kept.

    Raises:
        InsightError: if there is no such layer, or the others do not fit another width.
        CancelledError: if ``watcher`` cancels.
        CnnTuiError: if a training failed.
    """
    name = _require_conv(network, layer)
    network = with_epochs(network, epochs)
    chosen = tuple(widths) or widths_around(wired(network)[name].layer.out_channels)
    tries = list(product(sorted(set(chosen)), sorted(set(seeds))))
    variants = [_variant(network, name, *one) for one in tries]
    points = []
    for one, variant, part in zip(tries, variants, watcher.parts(len(tries)), strict=True):
        part.check_in(0.0)
        folder = train_once(
            root, variant, dataset, data_dir=data_dir, tags=(TAG,), watcher=part, threads=threads
        )
        if folder is None:
            raise CancelledError
        points.append(_point(folder, dataset, name, *one))
        found(points[-1])
    watcher.check_in(1.0)
    every = tuple(points)
    return WidthCurve(name, dataset.name, network.training.epochs, every, _summaries(every))


def _require_conv(network: Network, layer: str) -> str:
    convs = wired(network)
    if layer in convs:
        return layer
    known = ", ".join(convs) or "none"
    raise InsightError(f"There is no conv layer called {layer}.", f"Conv layers: {known}.")


def _variant(network: Network, layer: str, filters: int, seed: int) -> Network:
    resized = with_filters(network, layer, filters).with_training(seed=seed)
    name = f"{network.name or 'network'}-{layer}-{filters}"[:64]
    return msgspec.structs.replace(resized, name=name)


def _point(folder: RunFolder, dataset: Dataset, layer: str, filters: int, seed: int) -> WidthPoint:
    summary = summarize(folder.events_file, folder.info().created)
    state = read_state(folder)
    subject = Subject(
        network=state.network,
        model=state.model(),
        name=folder.name,
        state="best",
        classes=state.classes,
        eye=Eye(state.normalizer, state.peak, state.network.training.resize),
        data=dataset,
    )
    with closing(subject):
        (filter_health,) = health(subject, [layer], limit=HEALTH_IMAGES).layers
        params = subject.model.size
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
