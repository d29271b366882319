"""A sweep from its folder to its end: the cluster, the book and the coordinator together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.specs.known_data import DataFacts, facts_for
from cnn_tui.engine.sweeps.book import SweepBook
from cnn_tui.engine.sweeps.cluster import Cluster, Tls, local_cluster, reads_data, remote_cluster
from cnn_tui.engine.sweeps.coordinator import Coordinator
from cnn_tui.engine.sweeps.folder import Phase, SweepFolder
from cnn_tui.engine.sweeps.lines import SweepLine
from cnn_tui.engine.sweeps.placing import Placer
from cnn_tui.engine.sweeps.plan import SweepPlan
from cnn_tui.engine.sweeps.state import read_sweep


class Placement(NamedTuple):
    """The machines on which the runs of a sweep are trained."""

    workers: int | None = None
    """Processes of this machine; one a core if None."""
    scheduler: str = ""
    """The address of a scheduler, in place of processes of this machine."""
    tls: Tls | None = None

    def cluster(self, plan: SweepPlan) -> AbstractContextManager[Cluster]:
        """Processes of this machine, no more than there are runs, or the scheduler's workers.

        Raises:
            SweepError: on entering, if there is no such scheduler, or it has other versions.
        """
        if self.scheduler:
            return remote_cluster(self.scheduler, self.tls)
        return local_cluster(self.workers, plan.trials * plan.search.seeds)


class Stoppable(Protocol):
    """What a signal handler needs of a sweep under way."""

    def stop(self) -> None:
        """Stop after the current batches, with checkpoints."""


def lead_sweep(
    folder: SweepFolder,
    plan: SweepPlan,
    dataset: Dataset,
    cluster: Cluster,
    tell: Callable[[SweepLine], None],
    begun: Callable[[Stoppable], None],
    checkpoint_every: int | None = None,
) -> Phase:
    """Lead a sweep, new or begun by an earlier process, until it ends or is stopped.

    Args:
        folder: the sweep.
        plan: what it searches.
        dataset: the images; they go to workers that cannot read them.
        cluster: where its runs are trained.
        tell: called with every line of what happens.
        begun: called once with what stops the sweep.
        checkpoint_every: steps between states of a run, beside those each minute.

    Raises:
        SweepError: if another process leads it, or the scheduler is lost; what was trained is kept.
    """
    data_dir = folder.info().data_dir
    place = Path(data_dir) if data_dir else None
    past = read_sweep(folder)
    with SweepBook(folder, tell) as book:
        sent = None if reads_data(cluster, plan.base, place) else dataset
        placer = Placer(folder, plan, cluster, sent, checkpoint_every)
        coordinator = Coordinator(book, plan, past, placer, _facts(plan, dataset))
        begun(coordinator)
        return coordinator.lead()


def _facts(plan: SweepPlan, dataset: Dataset) -> DataFacts | None:
    """What points have to fit, where the name of the data does not tell it."""
    if facts_for(plan.base).name:
        return None
    return DataFacts("", dataset.input_shape, len(dataset.classes))
