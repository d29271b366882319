"""The one who asks Optuna: which point next, whether to prune, which fields matter.

Its memory is the journal in the sweep's folder. Only the coordinator writes it.
"""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.pruners import SuccessiveHalvingPruner as ASHAPruner
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import Trial, TrialState

from cnn_tui.engine.sweeps.lines import End, Value
from cnn_tui.engine.sweeps.plan import DIRECTIONS, PrunerName, SweepPlan
from cnn_tui.engine.sweeps.space import SpaceField, grid_points

_ENDS: dict[End, TrialState] = {
    "finished": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
_FEWEST = 4
"""Finished trials before the importance of fields says anything."""


class Asker:
    """Asks and tells the study of a sweep.

    The n-th point depends on the seed and n alone, wherever the sampler is random, and so not on
    which trial ends first, nor on how often the sweep was resumed.
    """

    def __init__(self, name: str, plan: SweepPlan, journal: Path, asked: int) -> None:
        """``asked`` is how many points an earlier coordinator has written down."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._plan, self.asked = plan, asked
        # A coordinator that was killed leaves its lock; ours on the folder says that it is gone.
        Path(f"{journal}.lock").unlink(missing_ok=True)
        with _as_stable():
            self._study = optuna.create_study(
                study_name=name,
                storage=JournalStorage(JournalFileBackend(str(journal))),
                directions=[DIRECTIONS[objective] for objective in plan.search.objectives],
                pruner=_pruner(plan.search.pruner, plan.epochs),
                load_if_exists=True,
            )
        self._grid = islice(self._points(), asked, None)
        self._trials: dict[int, Trial] = {}
        self._unwritten = deque[Trial]()
        self._reported: dict[int, set[int]] = {}

    def _points(self) -> Iterator[dict[str, Value]]:
        return grid_points(self._plan.space) if self._plan.search.sampler == "grid" else iter(())

    def take_up(self, known: Sequence[int]) -> None:
        """Take up the trials ``known``; others were asked for but not written: they are next."""
        for frozen in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            trial = Trial(self._study, frozen._trial_id)
            if frozen.number not in known:
                self._unwritten.append(trial)
            else:
                self._trials[frozen.number] = trial
                self._reported[frozen.number] = {*frozen.intermediate_values}

    def ask(self) -> tuple[int, dict[str, Value]] | None:
        """The number and the values of the next point; None after the last of a grid."""
        if self._plan.search.sampler == "grid":
            point = next(self._grid, None)
            if point is None:
                return None
            waiting = self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
            if not (self._unwritten or waiting):
                self._study.enqueue_trial(point)
        with _as_stable():
            self._study.sampler = self._sampler()
            trial = self._unwritten.popleft() if self._unwritten else self._study.ask()
            values: dict[str, Value] = {}
            for field in self._plan.space:
                if field.applies(values):
                    values[field.name] = _suggest(trial, field)
        self.asked += 1
        self._trials[trial.number], self._reported[trial.number] = trial, set()
        return trial.number, values

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Report the objective after an epoch; whether the trial should be pruned.

        Without a pruner nothing is written: each report waits for the disk, and our own lines have
        it already.
        """
        trial = self._trials.get(number)
        if trial is None or self._plan.search.pruner == "none" or not math.isfinite(value):
            return False
        with _as_stable():
            if epoch not in self._reported[number]:
                self._reported[number].add(epoch)
                trial.report(value, epoch)
            return trial.should_prune()

    def tell(self, number: int, state: End, values: Sequence[float] = ()) -> None:
        """The end of a trial; only a finished one has values."""
        trial = self._trials.pop(number, None)
        if trial is not None:
            self._study.tell(
                trial, list(values) if state == "finished" else None, state=_ENDS[state]
            )

    def importance(self) -> dict[str, float]:
        """Optuna's importance of each field; empty while too few trials have finished."""
        ended = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(ended) < _FEWEST:
            return {}
        # Optuna looks for low values.
        sign = -1.0 if DIRECTIONS[self._plan.search.objectives[0]] == "maximize" else 1.0
        with _as_stable():
            warnings.simplefilter("ignore", UserWarning)
            try:
                found = optuna.importance.get_param_importances(
                    self._study,
                    evaluator=PedAnovaImportanceEvaluator(),
                    target=lambda trial: sign * trial.values[0],
                )
            except (ValueError, RuntimeError, ZeroDivisionError):
                return {}  # all trials are alike
        return {name: min(1.0, max(0.0, share)) for name, share in found.items()}

    def _sampler(self) -> BaseSampler:
        seed = (self._plan.search.seed * 1_000_003 + self.asked) % 2**32
        match self._plan.search.sampler:
            case "tpe":
                # Trials under way count as bad ones, so that workers do not all get the same point.
                return TPESampler(seed=seed, constant_liar=True)
            case "qmc":
                return QMCSampler(seed=self._plan.search.seed, scramble=True)
        return RandomSampler(seed=seed)


def _suggest(trial: Trial, field: SpaceField) -> Value:
    if field.kind == "choice":
        chosen: Value = trial.suggest_categorical(field.name, field.choices)
        return chosen
    step = field.step
    high = field.high if step is None else field.low + step * ((field.grid_count() or 1) - 1)
    if field.is_integer:
        whole = 1 if step is None else round(step)
        return trial.suggest_int(field.name, int(field.low), int(high), step=whole, log=field.log)
    return trial.suggest_float(field.name, field.low, high, step=step, log=field.log)


def _pruner(name: PrunerName, epochs: int) -> BasePruner:
    match name:
        case "median":
            return MedianPruner(n_startup_trials=4)
        case "asha":
            return ASHAPruner()
        case "hyperband":
            return HyperbandPruner(max_resource=epochs)
    return NopPruner()


@contextmanager
def _as_stable() -> Iterator[None]:
    """Silence Optuna's warnings that a sampler or a pruner may change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
