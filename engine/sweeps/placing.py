"""Runs of trials on a cluster: placed, stopped, and heard of."""

from __future__ import annotations

import queue
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from distributed import Future, Queue

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import SweepError
from cnn_tui.engine.sweeps.cluster import Cluster
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.lines import TrialAsked
from cnn_tui.engine.sweeps.live import LiveRun, LiveTrial
from cnn_tui.engine.sweeps.packing import pack_run, unpack_run
from cnn_tui.engine.sweeps.plan import SweepPlan
from cnn_tui.engine.sweeps.state import SweepTrial
from cnn_tui.engine.sweeps.work import TrialJob
from cnn_tui.engine.sweeps.worker import run_on_worker, sees_folder, stop_run

_LOOK = 1.0
"""Seconds between looks at the workers."""


class Heard(NamedTuple):
    """Something of a run: an event of its worker, or the end of its task."""

    number: int
    seed: int
    event: dict[str, Any] | None = None
    future: Future | None = None
    """The task, if it has ended."""


class Placer:
    """Places the runs of one sweep; the threads of Dask put what they hear into :attr:`heard`.

    Args:
        folder: the sweep.
        plan: makes the network of a trial.
        cluster: where runs are placed.
        dataset: sent to workers that cannot read the data themselves; None if all can.
        checkpoint_every: steps between states of a run, beside those each minute.
    """

    def __init__(
        self,
        folder: SweepFolder,
        plan: SweepPlan,
        cluster: Cluster,
        dataset: Dataset | None,
        checkpoint_every: int | None,
    ) -> None:
        self._folder, self._plan, self._cluster = folder, plan, cluster
        self._client, self._info, self._every = cluster.client, folder.info(), checkpoint_every
        self._ended = set[str]()
        """Runs whose last sending has been written, so that an earlier one is not any more."""
        self.heard = queue.SimpleQueue[Heard]()
        self.slots = self.workers = 0
        """Runs that can be trained at a time, and the workers that train them."""
        self._looked = 0.0
        # Another coordinator may have used the same names on the same scheduler.
        self._topic = f"{folder.name}/{self._info.token}/{time.time_ns()}"
        self._data = self._client.scatter(dataset, broadcast=True) if dataset else None
        self._shared = self._is_shared()
        self._client.subscribe_topic(self._topic, self._hear)

    def _is_shared(self) -> bool:
        """Whether the workers see the folder; a cluster without workers yet is taken to."""
        if not self._cluster.address:
            return True
        root, token = str(self._folder.runs.resolve()), self._info.token
        answers = self._client.run(sees_folder, root, self._folder.name, token, on_error="ignore")
        return all(answers.values())

    def look(self) -> None:
        """See which workers there are, and what they have sent; once a second.

        Raises:
            SweepError: if the scheduler is lost.
        """
        if self._client.status != "running":
            where = f" at {self._cluster.address}" if self._cluster.address else ""
            raise SweepError(
                f"The scheduler{where} is lost; what was trained is kept.",
                f"Continue with: cnn-tui sweep resume {self._folder.name}",
            )
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        with suppress(OSError):  # lost meanwhile: the next look says so
            cores = self._client.nthreads()
            self.slots, self.workers = sum(cores.values()), len(cores)
            if not self._shared:
                self._receive()

    def jobs(self, trial: TrialAsked | SweepTrial) -> list[TrialJob]:
        """The job of each run of a trial; their seeds count up."""
        network = self._plan.network(trial.values)
        made = []
        for seed, run in enumerate(trial.runs):
            recipe = msgspec.structs.replace(network.training, seed=network.training.seed + seed)
            job = TrialJob(
                sweep=self._folder.name,
                number=trial.number,
                seed=seed,
                run=run,
                root=str(self._folder.runs.resolve()),
                token=self._info.token,
                network=msgspec.structs.replace(network, training=recipe),
                data_dir=self._info.data_dir,
                threads=self._cluster.threads,
                checkpoint_every=self._every,
            )
            made.append(job)
        return made

    def place(self, run: LiveRun) -> None:
        """Give a run to the cluster."""
        job = run.job
        self._ended.discard(job.run)
        if not self._shared:
            files = pack_run(self._folder.run_of(job.run).path)
            job = msgspec.structs.replace(job, files=files)
        # A key of its own, so that nothing is computed twice.
        run.places += 1
        key = f"{self._topic}/{job.number}.{job.seed}/{run.places}"
        run.future = self._client.submit(
            run_on_worker, job, self._topic, self._data, key=key, pure=False
        )
        run.future.add_done_callback(partial(self._end, job.number, job.seed))

    def stop(self, trial: LiveTrial) -> None:
        """Stop the runs of a trial after their batches; those that wait are taken back."""
        trial.stopped = True
        for run in trial.open:
            if run.starts:
                self._client.run(stop_run, run.job.run, wait=False, on_error="ignore")
            elif run.future is not None:
                run.future.cancel()

    def end(self, run: str, packed: bytes) -> None:
        """Write the end of a run that a worker has sent."""
        self._ended.add(run)
        self._write(run, packed)

    def _write(self, run: str, packed: bytes) -> None:
        with suppress(OSError):  # the disk is full: the next sending may find room
            unpack_run(packed, self._folder.run_of(Path(run).name).path)

    def _receive(self) -> None:
        inbox = Queue(self._topic, client=self._client)
        for _ in range(inbox.qsize()):
            run, packed = inbox.get()
            if run not in self._ended:
                self._write(run, packed)

    def _hear(self, event: tuple[object, dict[str, Any]]) -> None:
        message = event[1]
        self.heard.put(Heard(message["number"], message["seed"], event=message))

    def _end(self, number: int, seed: int, future: Future) -> None:
        self.heard.put(Heard(number, seed, future=future))
