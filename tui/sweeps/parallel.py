"""Parallel coordinates: an axis for each field and one for the objective, a line for each trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnn_tui.engine.sweeps.state import SweepState, SweepTrial
from cnn_tui.tui.dashboard.series import Point
from cnn_tui.tui.sweeps.pictures import CHOSEN, FRONT, chosen_trial, ranked, some
from cnn_tui.tui.sweeps.scales import FieldScale, is_number, scale_of
from cnn_tui.tui.sweeps.trials import short_names, value_of
from cnn_tui.tui.words import clean, fit

_MOST = 40
"""Lines of trials behind the best ones; more would hide each other."""
_BEST = 5


@dataclass(frozen=True)
class Upright:
    """An axis of parallel coordinates: its name and the values at its ends."""

    name: str
    low: str
    high: str
    marked: bool = False


@dataclass(frozen=True)
class Strand:
    """The line of a trial over the numbers of the axes, at heights from 0 to 1."""

    points: tuple[Point, ...]
    role: str
    glyph: str = ""


@dataclass(frozen=True)
class Parallels:
    """Axes from left to right, and strands, of which later ones are drawn over earlier ones."""

    axes: tuple[Upright, ...]
    strands: tuple[Strand, ...]
    words: str


ROOM = 11
"""Columns of an axis with the room beside it, at least."""


def parallels(state: SweepState, field: str, chosen: int | None, width: int) -> Parallels | None:
    """Return as many axes as fit, that of ``field`` among them; None while there are no results.

    The objective is the last axis, its better end at the top.
    """
    order = ranked(state)
    if not order or not state.fields:
        return None
    shown = _fields(state, field, max(1, width // ROOM - 1))
    scales = {name: scale_of(state, name) for name in shown}
    scores = [trial.best or 0.0 for trial in order]
    goal = FieldScale(min(scores), max(scores))
    lines = _Strands(shown, scales, goal, state.maximizes)
    best, rest = order[:_BEST], some(order[_BEST:], _MOST)
    strands = [lines.strand(trial, "faint") for trial in reversed(rest)]
    strands += [lines.strand(trial, "accent") for trial in reversed(best[1:])]
    strands.append(lines.strand(best[0], "good", FRONT))
    own = chosen_trial(state, chosen)
    if own:
        strands.append(lines.strand(own, "strong", CHOSEN))
    drawn = len(best) + len(rest)
    words = f"{drawn} of {len(order)} trials" if drawn < len(order) else f"{drawn} trials"
    hidden = len(state.fields) - len(shown)
    words += f", {len(shown)} of {len(state.fields)} fields (left/right)" if hidden else ""
    # Of names beside each other at least two columns apart.
    room = max(ROOM - 1, width // (len(shown) + 1) - 2)
    axes = _uprights(state, field, scales, goal, room)
    return Parallels(axes, tuple(s for s in strands if len(s.points) > 1), words)


def _fields(state: SweepState, field: str, most: int) -> Sequence[str]:
    """Return neighbouring fields in the order of the file, the chosen one among them."""
    at = state.fields.index(field) if field in state.fields else 0
    first = max(0, min(at - most // 2, len(state.fields) - most))
    return state.fields[first : first + most]


def _uprights(
    state: SweepState,
    field: str,
    scales: Mapping[str, FieldScale],
    goal: FieldScale,
    room: int,
) -> tuple[Upright, ...]:
    names = short_names(state.fields, room)
    axes = []
    for name, scale in scales.items():
        low, high = (clean(fit(end, room).rstrip()) for end in scale.ends)
        axes.append(Upright(clean(names[name]), low, high, name == field))
    ends = [value_of(state, goal.low), value_of(state, goal.high)]
    low, high = ends if state.maximizes else reversed(ends)
    return (*axes, Upright(clean(state.objectives[0]), low, high))


@dataclass(frozen=True)
class _Strands:
    fields: Sequence[str]
    scales: Mapping[str, FieldScale]
    goal: FieldScale
    rises: bool

    def strand(self, trial: SweepTrial, role: str, glyph: str = "") -> Strand:
        points = [
            (float(at), self.scales[field].at(trial.values[field]))
            for at, field in enumerate(self.fields)
            if field in trial.values
        ]
        if is_number(trial.best):
            height = self.goal.at(trial.best)
            points.append((float(len(self.fields)), height if self.rises else 1 - height))
        return Strand(tuple(points), role, glyph)
