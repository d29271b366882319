"""A trial under way: its runs, their epochs, and what they amount to."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from distributed import Future

from cnn_tui.engine.sweeps.lines import End, TrialEnded
from cnn_tui.engine.sweeps.work import EpochFigures, RunOutcome, TrialJob


@dataclass
class LiveRun:
    """One run of a trial under way."""

    job: TrialJob
    future: Future | None = None
    starts: int = 0
    """How often the run began on a worker."""
    places: int = 0
    """How often the run was given to the cluster."""
    failures: int = 0
    curve: dict[int, float] = field(default_factory=dict)
    """The objective by epoch."""
    outcome: RunOutcome | None = None

    @property
    def best(self) -> float:
        """The best value of the curve, which is that of accuracy or minus loss; NaN without."""
        return max((v for v in self.curve.values() if math.isfinite(v)), default=math.nan)


class LiveTrial:
    """A trial under way; values are such that more is better."""

    def __init__(self, number: int, jobs: Iterable[TrialJob], loss: bool) -> None:
        self.number, self._loss = number, loss
        self.runs = [LiveRun(job) for job in jobs]
        self.reported = 0
        """Epochs that every run has done, and that were reported."""
        self.pruned = ""
        """Why it is being pruned; empty if it is not."""
        self.failed = ""
        """Why one of its runs failed."""
        self.stopped = False
        """Whether the runs of the trial have been told to stop."""
        self.began = time.monotonic()

    @property
    def epochs(self) -> int:
        """Epochs of each run."""
        return self.runs[0].job.network.training.epochs

    @property
    def open(self) -> list[LiveRun]:
        """The runs without an outcome."""
        return [run for run in self.runs if run.outcome is None]

    def add(self, seed: int, figures: Sequence[EpochFigures]) -> list[tuple[int, float]]:
        """Take epochs of one run; returns the epochs that now all runs have, with their mean."""
        curve = self.runs[seed].curve
        for epoch, accuracy, loss in figures:
            curve[epoch] = -loss if self._loss else accuracy
        new: list[tuple[int, float]] = []
        while all(self.reported + 1 in run.curve for run in self.runs):
            self.reported += 1
            values = [run.curve[self.reported] for run in self.runs]
            new.append((self.reported, self.shown(statistics.fmean(values))))
        return new

    def shown(self, value: float) -> float:
        """A value as it is reported: a loss has its own sign."""
        return -value if self._loss else value

    def end(self, *, completed: bool) -> TrialEnded:
        """The line that ends the trial; its value is the mean of the best one of each run."""
        best = [run.best for run in self.runs]
        value = self.shown(statistics.fmean(best))
        finite = math.isfinite(value)
        failed = self.failed or ("" if finite or not completed else "no figure was finite")
        state: End = "failed" if failed else "finished" if completed else "pruned"
        return TrialEnded(
            number=self.number,
            state=state,
            value=value if finite else None,
            spread=statistics.stdev(best) if finite and len(best) > 1 else None,
            reason=failed or ("" if completed else self.pruned),
            seconds=time.monotonic() - self.began,
        )
