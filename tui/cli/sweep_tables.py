"""Sweeps as tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.engine.sweeps.plan import SweepPlan
from cnn_tui.engine.sweeps.state import SweepState
from cnn_tui.engine.sweeps.trying import SpaceLook
from cnn_tui.tui.cli.output import print_line, print_table
from cnn_tui.tui.cli.sweep_lines import objective_words, value_word, values_words
from cnn_tui.tui.words import clock, count


def print_sweeps(states: Sequence[SweepState]) -> None:
    """Print the list of sweeps."""
    header = ("sweep", "state", "trials", "best", "of")
    rows = [(s.name, s.phase, _progress(s), _best(s), ", ".join(s.fields)) for s in states]
    print_table(header, rows, right=("trials", "best"), wrap=("of",))


def print_state(state: SweepState) -> None:
    """Print the trials of a sweep, the best first, and what was not trained."""
    header = ["trial", "state", "epoch", "best", *state.fields, "time", "run"]
    print_table(
        header,
        [
            (
                str(trial.number),
                trial.state,
                f"{trial.epoch}/{trial.epochs}",
                "" if trial.best is None else _objective(state, trial.best),
                *(value_word(trial.values[f]) if f in trial.values else "" for f in state.fields),
                clock(trial.seconds) if trial.seconds else "",
                trial.run,
            )
            for trial in state.ranked
        ],
        right=[name for name in header if name not in ("state", "run")],
        spare=("time",),
    )
    for reason, number in state.refused.items():
        print_line(f"{count(number, 'point')} not trained: {reason}")
    if state.best is not None and state.best.best is not None:
        best = state.best
        print_line(
            f"{state.name} {state.phase}: the best is trial {best.number} with "
            f"{_objective(state, best.best or 0.0)}, {values_words(best.values)}; run {best.run}."
        )
    if state.message:
        print_line(f"It ended because {state.message}.")


def _objective(state: SweepState, value: float) -> str:
    return objective_words(value, is_loss=not state.maximizes)


def _progress(state: SweepState) -> str:
    ended = sum(trial.state not in ("waiting", "running") for trial in state.trials)
    return f"{ended}/{state.total}"


def _best(state: SweepState) -> str:
    return (
        "" if state.best is None or state.best.best is None else _objective(state, state.best.best)
    )


def print_look(plan: SweepPlan, look: SpaceLook) -> None:
    """Print what a sweep would train, and what does not fit."""
    search = plan.search
    print_line(
        f"{plan.name}: {count(look.trials, 'trial')} of {count(search.seeds, 'run')} each, "
        f"{plan.epochs} epochs, {search.sampler}, {' and '.join(search.objectives)}"
    )
    for field in plan.space:
        low, *_, high = (*field.edges(), field.edges()[-1])
        words = ", ".join(map(value_word, field.choices)) or f"{low} to {high}"
        print_line(f"  {field.name}: {field.kind}, {words}")
    print_line(f"{look.fits} of {count(look.tried, 'point')} that were tried fit.")
    for reason, number in look.refused.items():
        print_line(f"  {number} do not: {reason}")
