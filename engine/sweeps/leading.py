"""A sweep from its folder to its end: the cluster, the book and the coordinator together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.specs.known_data import DataFacts, facts_for
from cnn_tui.engine.sweeps.book import SweepBook
from cnn_tui.engine.sweeps.cluster import Tls, local_cluster, reads_data, remote_cluster
from cnn_tui.engine.sweeps.coordinator import Coordinator
from cnn_tui.engine.sweeps.folder import Phase, SweepFolder
from cnn_tui.engine.sweeps.lines import SweepLine
from cnn_tui.engine.sweeps.placing import Placer
from cnn_tui.engine.sweeps.plan import SweepPlan
from cnn_tui.engine.sweeps.state import read_sweep


class Where(NamedTuple):
    """Where the runs of a sweep are trained."""

    workers: int | None = None
    """Processes of this machine; one a core if None."""
    scheduler: str = ""
    """The address of a scheduler, in place of processes of this machine."""
    tls: Tls | None = None
    checkpoint_every: int | None = None
    """Steps between states of a run, beside those each minute."""


class Stoppable(Protocol):
    """What a signal handler needs of a sweep under way."""

    def stop(self) -> None:
        """Stop after the current batches, with checkpoints."""


def lead_sweep(
    folder: SweepFolder,
    plan: SweepPlan,
    dataset: Dataset,
    where: Where,
    tell: Callable[[SweepLine], None],
    begun: Callable[[Stoppable], None],
) -> Phase:
    """Lead a sweep, new or begun by an earlier process, until it ends or is stopped.

    Args:
        folder: the sweep.
        plan: what it searches.
        dataset: the images; they go to workers that cannot read them.
        where: on which machines.
        tell: called with every line of what happens.
        begun: called once with what stops the sweep.

    Raises:
        SweepError: if there is no such scheduler, or it is lost; what was trained is kept.
    """
    data_dir = folder.info().data_dir
    place = Path(data_dir) if data_dir else None
    past = read_sweep(folder)
    with SweepBook(folder, tell) as book:
        runs = max(past.total, plan.trials) * plan.search.seeds
        cluster_of = (
            remote_cluster(where.scheduler, where.tls)
            if where.scheduler
            else local_cluster(where.workers, runs)
        )
        with cluster_of as cluster:
            sent = None if reads_data(cluster, plan.base, place) else dataset
            placer = Placer(folder, plan, cluster, sent, where.checkpoint_every)
            coordinator = Coordinator(book, plan, past, placer, _facts(plan, dataset))
            begun(coordinator)
            return coordinator.lead()


def _facts(plan: SweepPlan, dataset: Dataset) -> DataFacts | None:
    """What points have to fit, where the name of the data does not tell it."""
    if facts_for(plan.base).name:
        return None
    return DataFacts("", dataset.input_shape, len(dataset.classes))
