"""The trials of sweeps in the list of runs: folded into a row for each sweep."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from cnn_tui.engine.runs.history import RunEntry
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.words import count, percent

FOLDED, UNFOLDED = "▸", "▾"
_NUMBER = re.compile(r"-\d+(\.\d+)?$")
"""What the name of a run has after that of its sweep: its trial, and its seed if there are many."""

Folds = Mapping[str, Sequence[RunEntry]]
"""The trials of each sweep in the order of the list, by its name."""
NO_FOLDS: Folds = MappingProxyType({})


def sweep_of(run: str, sweeps: Collection[str]) -> str:
    """Return the sweep of which a run is a trial; empty if there is none."""
    name = _NUMBER.sub("", run)
    return name if name != run and name in sweeps else ""


def folds_of(entries: Sequence[RunEntry], sweeps: Collection[str]) -> Folds:
    """Return the sweeps that have trials among these runs."""
    folds: dict[str, list[RunEntry]] = {}
    for entry in entries:
        if sweep := sweep_of(entry.name, sweeps):
            folds.setdefault(sweep, []).append(entry)
    return folds


def folded(
    entries: Sequence[RunEntry], folds: Folds, unfolded: Collection[str]
) -> Iterator[RunEntry | str]:
    """Yield runs and names of sweeps: a sweep in the place of its first trial, others below it."""
    trials = {trial.name: sweep for sweep, own in folds.items() for trial in own}
    shown = set[str]()
    for entry in entries:
        sweep = trials.get(entry.name)
        if sweep is None:
            yield entry
        elif sweep not in shown:
            shown.add(sweep)
            yield sweep
            if sweep in unfolded:
                yield from folds[sweep]


def best_of(trials: Sequence[RunEntry]) -> RunEntry:
    """Return the trial with the highest accuracy, of equal ones the first."""
    return max(trials, key=lambda trial: trial.summary.best_val_accuracy or 0.0)


def sweep_about(sweep: str, trials: Sequence[RunEntry]) -> str:
    """Describe a sweep by its trials, with the keys for it."""
    keys = keyed("{runs.open} opens it, {runs.unfold} lists its runs")
    return f"{sweep}: {sweep_words(trials)}; {keys}"


def sweep_words(trials: Sequence[RunEntry]) -> str:
    """Describe a sweep by its trials."""
    best = best_of(trials)
    accuracy = best.summary.best_val_accuracy
    by = f", best {percent(accuracy)} by {best.name}" if accuracy is not None else ""
    running = sum(trial.state == "running" for trial in trials)
    now = f", {running} of them in training" if running else ""
    return f"a sweep with {count(len(trials), 'run')}{now}{by}"
