"""``cnn-tui baselines``: baselines from k-NN to a ConvNet on one dataset."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

import click

from cnn_tui.engine.baselines.neighbours import KNN
from cnn_tui.engine.baselines.recipes import BASELINES, Baseline
from cnn_tui.engine.baselines.record import BaselineResult
from cnn_tui.engine.baselines.screens import Metric
from cnn_tui.engine.baselines.suite import BaselineStarted, BaselineSuite, PairsCompared, SuiteEvent
from cnn_tui.engine.data.catalog import locate
from cnn_tui.engine.data.folder import DEFAULT_SHAPE
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunStarted
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.loading import load, progress_shown
from cnn_tui.tui.cli.option_groups import Reading, reading
from cnn_tui.tui.cli.outlet import printing
from cnn_tui.tui.cli.output import print_json, print_line
from cnn_tui.tui.cli.rungs import print_ladder, sentence
from cnn_tui.tui.cli.stopping import stopped_by_signals


@click.command("baselines")
@click.option(
    "--data",
    metavar="NAME",
    shell_complete=completing.datasets,
    default="digits",
    show_default=True,
    help="The dataset.",
)
@reading
@click.option("--only", type=click.Choice(BASELINES), multiple=True, help="May be repeated.")
@click.option(
    "--epochs", type=click.IntRange(1, 100_000), metavar="N", help="Epochs of every network."
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0, 2**53 - 1),
    default=0,
    show_default=True,
    help="Seed of weights, order and dropout.",
)
@click.option(
    "--metric",
    type=click.Choice(("l2", "l1")),
    default="l2",
    show_default=True,
    help="Distance of k-NN.",
)
@click.option("--k", type=click.IntRange(1), metavar="K", help="Default: by cross-validation.")
@options.threads
@options.runs_dir
@click.option("--json", "as_json", is_flag=True, help="Print one baseline per line as JSON.")
def command(
    data: str,
    reading: Reading,
    only: tuple[Baseline, ...],
    epochs: int | None,
    seed: int,
    metric: Metric,
    k: int | None,
    threads: int,
    runs_dir: Path,
    as_json: bool,
) -> int:
    """Train and test k-NN, linear SVM, linear softmax, a two-layer net and a ConvNet.

    Each result is kept as a run. Baselines that are complete are not repeated; an interrupted
    training is resumed.
    """
    name, data_dir = locate(data, reading.data_dir)
    ladder = BaselineSuite(
        load(name, DEFAULT_SHAPE, replace(reading, data_dir=data_dir)),
        name,
        runs_dir,
        data_dir,
        epochs,
        seed,
        KNN(metric, k),
        threads,
        tuple(baseline for baseline in BASELINES if not only or baseline in only),
        reading.classes,
        reading.labels_from,
    )
    control, done = Control(), list[BaselineResult]()
    with (
        stopped_by_signals(control) as ending,
        printing(_LadderPrinter(as_json), control, ending) as outlet,
    ):
        for rung in ladder.run(outlet.put, control):
            done.append(rung)
            outlet.put(rung)
    if not as_json:
        print_ladder(done, runs_dir)
    return ending.code


class _LadderPrinter:
    """Prints each result, and the progress of the next."""

    pause: float | None = 0.25

    def __init__(self, as_json: bool) -> None:
        self._as_json, self._bar = as_json, ExitStack()
        self._baseline, self._steps = "", 0
        self._far: tuple[str, int, int] | None = None

    def __enter__(self) -> Self:
        """Start showing progress."""
        self._tell = self._bar.enter_context(progress_shown())
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the progress bar."""
        self._bar.close()

    def wants(self, event: SuiteEvent | BaselineResult) -> bool:
        """Whether the event is a result: others only update the progress."""
        match event:
            case BaselineStarted():
                self._baseline = event.baseline
            case PairsCompared():
                millions = event.done // 10**6, event.total // 10**6
                self._far = (f"{self._baseline}, {event.phase}, million pairs", *millions)
            case RunStarted():
                self._steps = event.epochs * event.batches
            case BatchCompleted():
                self._far = (f"{self._baseline}, steps", event.step, self._steps)
        return isinstance(event, BaselineResult)

    def show(self, event: SuiteEvent | BaselineResult) -> None:
        if isinstance(event, BaselineResult):
            if self._as_json:
                print_json(event)
            else:
                print_line(sentence(event))

    def skip(self, count: int) -> None:
        """Results are too few to be skipped."""

    def idle(self) -> None:
        if self._far:
            self._tell(*self._far)
