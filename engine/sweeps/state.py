"""The state of a sweep as any process reads it: its trials, from the lines of its folder.

:func:`read_sweep` reads once; a :class:`SweepFollower` reads what was added since the last call.
Neither needs NumPy, Dask or Optuna.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import msgspec

from cnn_tui.engine.decoding import UnreadableError, reader
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.follow import Tail
from cnn_tui.engine.runs.lines import unreadable
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.lines import (
    PointRefused,
    SweepBegun,
    SweepLine,
    TrialAsked,
    TrialEnded,
    TrialReported,
    TrialsAdded,
    TrialStarted,
    Value,
)

TrialState = Literal["waiting", "running", "finished", "pruned", "failed"]
SweepPhase = Literal["running", "finished", "stopped", "failed", "interrupted"]
"""``interrupted``: nobody coordinates it, and it has not ended; ``sweep resume`` continues it."""


class SweepTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A trial: one point of the space, trained once a seed. An element of ``sweep --json``."""

    number: int
    """Optuna's number, from 0; those of points that do not fit are missing."""
    values: Mapping[str, Value]
    """The value of each field; fields whose condition does not hold are missing."""
    state: TrialState = "waiting"
    epoch: int = 0
    epochs: int
    best: float | None = None
    """The best value of the first objective so far, the mean over the seeds."""
    spread: float | None = None
    """Standard deviation over the seeds, at the end; None for one seed."""
    curve: tuple[float | None, ...] = ()
    """The first objective after each epoch; None where it was not finite or not reported."""
    worker: str = ""
    runs: tuple[str, ...] = ()
    """Names of its runs, one a seed."""
    reason: str = ""
    parameters: int
    macs: int
    attempts: int = 0
    """Most starts of one of its runs; more than 1 after a failure or a lost worker."""
    seconds: float = 0.0

    @property
    def run(self) -> str:
        """The name of its first run."""
        return self.runs[0]


class SweepState(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep with all its trials."""

    name: str
    title: str = ""
    phase: SweepPhase
    message: str = ""
    fields: tuple[str, ...] = ()
    logarithmic: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ("accuracy",)
    directions: tuple[str, ...] = ("maximize",)
    total: int = 0
    epochs: int = 0
    workers: int = 0
    started: str = ""
    ended: str = ""
    trials: tuple[SweepTrial, ...] = ()
    refused: Mapping[str, int] = {}
    """How many points were not trained, by reason."""
    importance: Mapping[str, float] = {}

    @property
    def maximizes(self) -> bool:
        """Whether the larger value of the first objective is the better one."""
        return self.directions[0] == "maximize"

    @property
    def best(self) -> SweepTrial | None:
        """The finished trial with the best value, of equal ones the first."""
        return min(self._finished, key=lambda t: (self._loss(t), t.number), default=None)

    @property
    def ranked(self) -> tuple[SweepTrial, ...]:
        """All trials: finished ones first, the best before the others, then by number."""
        order = ("finished", "running", "pruned", "waiting", "failed")

        def key(trial: SweepTrial) -> tuple[int, float, int]:
            place = math.inf if trial.best is None else self._loss(trial)
            return order.index(trial.state), place, trial.number

        return tuple(sorted(self.trials, key=key))

    @property
    def _finished(self) -> list[SweepTrial]:
        return [t for t in self.trials if t.state == "finished" and t.best is not None]

    def _loss(self, trial: SweepTrial) -> float:
        """The first objective with the sign that makes less of it better."""
        best = trial.best or 0.0
        return -best if self.maximizes else best

    def cost_of(self, trial: SweepTrial) -> int | None:
        """The second objective of a trial, parameters or MACs; None if there is none."""
        match self.objectives[1:]:
            case ("parameters",):
                return trial.parameters
            case ("macs",):
                return trial.macs
        return None

    @property
    def front(self) -> tuple[SweepTrial, ...]:
        """Finished trials that no other one beats in both objectives, the cheapest first."""
        front: list[SweepTrial] = []
        for trial in sorted(
            self._finished, key=lambda t: (self.cost_of(t) or 0, self._loss(t), t.number)
        ):
            if not front or self._loss(trial) < self._loss(front[-1]):
                front.append(trial)
        return tuple(front)


_read = reader(SweepLine)


class SweepFollower:
    """A reader of one sweep while it is written; any number may follow one."""

    def __init__(self, folder: SweepFolder) -> None:
        self.folder = folder
        self._begin()

    def _begin(self) -> None:
        self._tail = Tail(self.folder.trials_file)
        self._begun: SweepBegun | None = None
        self._first = ""
        self._total = 0
        self._trials: dict[int, SweepTrial] = {}
        self._refused: Counter[str] = Counter()

    def poll(self) -> SweepState:
        """The state now; unchanged trials are the same objects as in the last one.

        Raises:
            RunError: if the folder no longer exists, or a file cannot be read.
        """
        coordinated = self.folder.coordinated
        try:
            if self._tail.changed():
                self._begin()
            for line in self._tail.lines(self._tail.size()):
                self._fold(line)
        except FileNotFoundError:
            raise RunError(f"The sweep {self.folder.name} was deleted or renamed.") from None
        except OSError as error:
            raise unreadable(self.folder.trials_file, error) from None
        return self._state(coordinated)

    def _state(self, coordinated: bool) -> SweepState:
        status = self.folder.status()
        running = status.phase == "running"
        begun = self._begun
        return SweepState(
            name=self.folder.name,
            title=begun.title if begun else "",
            phase="interrupted" if running and not coordinated else status.phase,
            message=status.message,
            fields=begun.fields if begun else (),
            logarithmic=begun.logarithmic if begun else (),
            objectives=begun.objectives if begun else ("accuracy",),
            directions=begun.directions if begun else ("maximize",),
            total=self._total,
            epochs=begun.epochs if begun else 0,
            workers=status.workers if coordinated else 0,
            started=self._first,
            ended=status.ended,
            trials=self._shown(status.phase == "running"),
            refused=dict(self._refused.most_common()),
            importance=status.importance,
        )

    def _shown(self, is_running: bool) -> tuple[SweepTrial, ...]:
        """The trials; where the sweep has ended or stopped, those under way wait for a resume."""
        trials = tuple(self._trials.values())
        if is_running:
            return trials
        return tuple(
            msgspec.structs.replace(t, state="waiting") if t.state == "running" else t
            for t in trials
        )

    def _fold(self, text: bytes) -> None:
        try:
            line: SweepLine = _read(text)
        except UnreadableError:
            return  # a line of a later version
        match line:
            case SweepBegun():
                self._begun, self._total = line, max(self._total, line.total)
                self._first = self._first or line.at
            case TrialsAdded():
                self._total = line.total
            case PointRefused():
                self._refused[line.reason] += 1
            case TrialAsked():
                self._trials[line.number] = SweepTrial(
                    number=line.number,
                    values=line.values,
                    epochs=line.epochs,
                    runs=line.runs,
                    parameters=line.parameters,
                    macs=line.macs,
                )
            case _ if line.number in self._trials:
                trial = self._trials[line.number]
                self._trials[line.number] = _updated(trial, line, self._maximizes)

    @property
    def _maximizes(self) -> bool:
        return self._begun is None or self._begun.directions[0] == "maximize"


def _updated(
    trial: SweepTrial, line: TrialStarted | TrialReported | TrialEnded, maximizes: bool
) -> SweepTrial:
    replace = msgspec.structs.replace
    match line:
        case TrialStarted():
            attempts = max(trial.attempts, line.attempt)
            return replace(trial, state="running", worker=line.worker, attempts=attempts)
        case TrialReported():
            missing = line.epoch - 1 - len(trial.curve)
            before = (*trial.curve, *(None,) * missing)[: line.epoch - 1]
            curve = (*before, line.value)
            known = [value for value in curve if value is not None]
            best = (max if maximizes else min)(known, default=None)
            return replace(trial, epoch=line.epoch, curve=curve, best=best)
    return replace(
        trial,
        state=line.state,
        best=trial.best if line.value is None else line.value,
        spread=line.spread,
        reason=line.reason,
        seconds=line.seconds,
    )


def read_sweep(folder: SweepFolder) -> SweepState:
    """The state of a sweep now.

    Raises:
        RunError: if a file cannot be read.
    """
    return SweepFollower(folder).poll()
