"""The one process that leads a sweep: asks Optuna, gives runs to Dask, writes what happens.

It computes nothing itself, and can be killed at any moment: the folder says what is finished, each
run continues from its own checkpoint, and so does the sweep by :meth:`Coordinator.lead` of another
process.
"""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from distributed import Future, KilledWorker

from cnn_tui.engine.errors import CnnTuiError, SpecError
from cnn_tui.engine.runs.exchange import Reply
from cnn_tui.engine.runs.stamp import utc_now
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.known_data import DataFacts, facts_for
from cnn_tui.engine.sweeps.book import SweepBook
from cnn_tui.engine.sweeps.folder import Phase
from cnn_tui.engine.sweeps.lines import (
    PointRefused,
    SweepBegun,
    TrialAsked,
    TrialEnded,
    TrialReported,
    TrialsAdded,
    TrialStarted,
    Value,
)
from cnn_tui.engine.sweeps.live import LiveRun, LiveTrial
from cnn_tui.engine.sweeps.placing import Heard, Placer
from cnn_tui.engine.sweeps.plan import DIRECTIONS, SweepPlan
from cnn_tui.engine.sweeps.requests import MOST_TRIALS, SweepInbox, SweepRequest
from cnn_tui.engine.sweeps.state import SweepState, SweepTrial
from cnn_tui.engine.sweeps.study import Asker
from cnn_tui.engine.sweeps.work import RunOutcome

MOST_FAILURES = 3
"""Failures of a run after which its trial is marked as failed."""
MOST_REFUSED = 200
"""Points in a row that are not trained, after which the space has no more to give."""
_AHEAD = 4
"""The most runs that wait on the workers for one of them to end."""
_TICK = 0.1


class Coordinator:
    """Leads a sweep to its end on a cluster.

    Args:
        book: writes the folder.
        plan: what is searched.
        past: what earlier coordinators have written.
        placer: places runs on a cluster.
        facts: what the networks have to fit; what the name of the data tells, if None.
    """

    def __init__(
        self,
        book: SweepBook,
        plan: SweepPlan,
        past: SweepState,
        placer: Placer,
        facts: DataFacts | None = None,
    ) -> None:
        self._book, self._plan, self._past, self._placer = book, plan, past, placer
        self._folder, self._facts = book.folder, facts
        self.total = max(past.total, plan.trials)
        asked = len(past.trials) + sum(past.refused.values())
        self._asker = Asker(self._folder.name, plan, self._folder.journal_file, asked)
        self._seen = {_key(trial.values): trial.number for trial in past.trials}
        self._count = len(past.trials)
        self._refused = Counter(past.refused)
        self._in_a_row = 0
        self._live: dict[int, LiveTrial] = {}
        self._inbox = SweepInbox(self._folder.commands, self._act)
        self._exhausted = self._stopping = False
        self._cut = False
        """Whether a trial was stopped, to continue later."""

    def stop(self) -> None:
        """Stop after the current batches, with checkpoints; from any thread or a signal handler."""
        self._stopping = True

    def lead(self) -> Phase:
        """Lead the sweep until its trials have ended or it is stopped.

        Raises:
            SweepError: if the scheduler is lost: nothing else is, and another call continues.
        """
        self._begin()
        try:
            while self._live or not (self._stopping or self._done):
                self._step()
                if self._stopping and not self._placer.workers:
                    break  # nobody is there who could tell how its run ended
        except BaseException as error:
            reason = error.message if isinstance(error, CnnTuiError) else "interrupted"
            self._book.end("stopped", reason)
            raise
        whole = self._done and not self._live and not self._cut
        phase: Phase = "stopped" if self._stopping and not whole else "finished"
        self._book.end(phase, self._end_words())
        return phase

    @property
    def _done(self) -> bool:
        return self._exhausted or self._count >= self.total

    def _end_words(self) -> str:
        if self._in_a_row < MOST_REFUSED:
            return ""
        reason = self._refused.most_common(1)[0][0]
        return f"the last {MOST_REFUSED} points were not trained; most often: {reason}"

    def _begin(self) -> None:
        plan, search = self._plan, self._plan.search
        self._inbox.clear()
        self._book.add(
            SweepBegun(
                title=plan.description or plan.name,
                fields=tuple(field.name for field in plan.space),
                logarithmic=tuple(field.name for field in plan.space if field.log),
                objectives=search.objectives,
                directions=tuple(DIRECTIONS[objective] for objective in search.objectives),
                total=self.total,
                epochs=plan.epochs,
                at=utc_now(),
            )
        )
        open_trials = [t for t in self._past.trials if t.state in ("waiting", "running")]
        self._asker.take_up([trial.number for trial in open_trials])
        for trial in open_trials:
            self._submit(trial)

    def _step(self) -> None:
        self._placer.look()
        with suppress(OSError):
            self._inbox.serve()
        if self._stopping:
            self._stop_all()
        else:
            self._fill()
        self._book.change(workers=self._placer.workers)
        self._book.beat()
        with suppress(queue.Empty):
            self._take(self._placer.heard.get(timeout=_TICK))
            while True:
                self._take(self._placer.heard.get_nowait())

    # Asking

    def _fill(self) -> None:
        # Asking waits for the disk: runs wait on the workers meanwhile, of which several may end
        # at once; but none if the sampler should know every result before it chooses.
        learns = self._plan.search.sampler == "tpe"
        slots = self._placer.slots
        wanted = slots if learns else slots + min(slots, _AHEAD)
        while not self._done and sum(len(t.open) for t in self._live.values()) < wanted:
            asked = self._asker.ask()
            if asked is None or self._in_a_row >= MOST_REFUSED:
                self._exhausted = True
                return
            self._consider(*asked)

    def _consider(self, number: int, values: dict[str, Value]) -> None:
        key = _key(values)
        try:
            if key in self._seen:
                raise SpecError(f"The same as trial {self._seen[key]}.")
            network = self._plan.network(values)
            report = check(network, data=self._facts or facts_for(network))
            if report.issues:
                raise SpecError(report.issues[0].message)
        except SpecError as error:
            reason = "a point that was tried already" if key in self._seen else error.message
            self._refused[reason] += 1
            self._in_a_row += 1
            self._asker.tell(number, "failed")
            self._book.add(PointRefused(number=number, values=values, reason=reason))
            return
        self._seen[key], self._in_a_row = number, 0
        self._count += 1
        asked = TrialAsked(
            number=number,
            values=values,
            runs=self._names(number),
            epochs=network.training.epochs,
            parameters=report.total_params,
            macs=report.total_macs,
        )
        self._book.add(asked)
        self._submit(asked)

    def _names(self, number: int) -> tuple[str, ...]:
        seeds = self._plan.search.seeds
        name = f"{self._folder.name}-{number}"
        return (name,) if seeds == 1 else tuple(f"{name}.{seed + 1}" for seed in range(seeds))

    def _submit(self, trial: TrialAsked | SweepTrial) -> None:
        jobs = self._placer.jobs(trial)
        live = LiveTrial(trial.number, jobs, self._plan.search.objectives[0] == "loss")
        self._live[trial.number] = live
        for run in live.runs:
            self._placer.place(run)

    # Hearing

    def _take(self, heard: Heard) -> None:
        trial = self._live.get(heard.number)
        if trial is None:
            return
        run = trial.runs[heard.seed]
        if heard.future is not None:
            if heard.future is run.future:
                self._settle(trial, run, heard.future)
        elif heard.event is not None and "epochs" in heard.event:
            self._report(trial, heard.seed, heard.event["epochs"])
        elif heard.event is not None:
            self._started(trial, run, heard.event["at"])

    def _started(self, trial: LiveTrial, run: LiveRun, worker: str) -> None:
        run.starts += 1
        if trial.stopped:  # it was told before a worker had it
            self._placer.stop(trial)
        self._book.add(
            TrialStarted(number=trial.number, seed=run.job.seed, worker=worker, attempt=run.starts)
        )

    def _report(self, trial: LiveTrial, seed: int, figures: Sequence[Any]) -> None:
        for epoch, value in trial.add(seed, figures):
            self._book.add(TrialReported(number=trial.number, epoch=epoch, value=value))
            prune = self._asker.report(trial.number, epoch, value)
            if prune and not trial.pruned and not self._stopping and epoch < trial.epochs:
                self._prune(trial, self._plan.search.pruner)

    def _settle(self, trial: LiveTrial, run: LiveRun, future: Future) -> None:
        run.future = None
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or error is not None:
            self._failed(trial, run, error)
        else:
            outcome: RunOutcome = future.result()
            if outcome.files:
                self._placer.end(run.job.run, outcome.files)
            run.outcome = msgspec.structs.replace(outcome, files=b"")
            self._report(trial, run.job.seed, outcome.curve)
            if outcome.state == "failed":
                self._give_up(trial, outcome.message)
        if not trial.open:
            self._close(trial)

    def _failed(self, trial: LiveTrial, run: LiveRun, error: BaseException | None) -> None:
        if error is None and not trial.stopped:
            # Cancelled, but not by us: the scheduler is lost, or was for a moment.
            self._placer.look()
            self._placer.place(run)
            return
        run.failures += 1
        if error is None or trial.pruned or trial.failed or self._stopping:
            run.outcome = RunOutcome(state="stopped", curve=())
        elif run.failures < MOST_FAILURES and not isinstance(error, KilledWorker):
            self._placer.place(run)
            return
        else:
            lost = "its worker was lost again and again"
            words = lost if isinstance(error, KilledWorker) else str(error) or repr(error)
            run.outcome = RunOutcome(state="failed", curve=(), message=words)
            self._give_up(trial, words)

    def _give_up(self, trial: LiveTrial, reason: str) -> None:
        trial.failed = trial.failed or reason
        self._placer.stop(trial)

    def _close(self, trial: LiveTrial) -> None:
        """Write the end of a trial, unless the sweep stops and the trial is to continue later."""
        del self._live[trial.number]
        completed = all(run.outcome and run.outcome.state == "completed" for run in trial.runs)
        if not completed and not trial.failed and not trial.pruned:
            if self._stopping:
                self._cut = True
                return
            trial.pruned = "stopped by hand"
        end = trial.end(completed=completed)
        self._asker.tell(trial.number, end.state, self._values(trial, end))
        self._book.add(end)
        self._book.change(importance=self._asker.importance())
        # A pruned sweep of short trials ends many within a second.
        self._book.beat()

    def _values(self, trial: LiveTrial, end: TrialEnded) -> tuple[float, ...]:
        if end.state != "finished" or end.value is None:
            return ()
        report = check(trial.runs[0].job.network)
        costs = {"parameters": report.total_params, "macs": report.total_macs}
        return (end.value, *(costs[name] for name in self._plan.search.objectives[1:]))

    # Stopping

    def _prune(self, trial: LiveTrial, reason: str) -> None:
        trial.pruned = reason
        self._placer.stop(trial)

    def _stop_all(self) -> None:
        for trial in list(self._live.values()):
            if not trial.stopped:
                self._placer.stop(trial)

    def _act(self, request: SweepRequest) -> Reply:
        match request.action:
            case "stop":
                self.stop()
                return Reply(True, "stops after the current batches, with checkpoints")
            case "add":
                return self._add(request.trials or 0)
        trial = self._live.get(-1 if request.number is None else request.number)
        if trial is None:
            return Reply(False, f"trial {request.number} is not under way")
        self._prune(trial, "pruned by hand")
        return Reply(True, f"prunes trial {trial.number} after its current batch")

    def _add(self, trials: int) -> Reply:
        if not trials or self.total + trials > MOST_TRIALS:
            return Reply(False, f"a sweep has at most {MOST_TRIALS:,} trials")
        if self._plan.search.sampler == "grid":
            return Reply(False, "a grid has no more points than it has")
        self.total += trials
        self._book.add(TrialsAdded(total=self.total))
        return Reply(True, f"has {self.total:,} trials now")


def _key(values: Any) -> bytes:
    return msgspec.json.encode(values, order="sorted")
