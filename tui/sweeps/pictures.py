"""The charts of a sweep: its best curves, one field, and accuracy against what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnn_tui.engine.sweeps.state import SweepState, SweepTrial
from cnn_tui.tui.dashboard.plots import ROLES, ChartPicture, Curve, Plot
from cnn_tui.tui.dashboard.ranges import usual
from cnn_tui.tui.dashboard.series import Point
from cnn_tui.tui.dashboard.ticks import (
    Axis,
    accuracy_axis,
    epochs_axis,
    log_axis,
    loss_axis,
    parts_of,
)
from cnn_tui.tui.rows import Line, Run
from cnn_tui.tui.sweeps.scales import figures_scale, is_number, scale_of
from cnn_tui.tui.sweeps.trials import short_names, value_of
from cnn_tui.tui.words import clean, compact

GLYPHS = "ox+#"
"""Glyphs of the best curves."""
CHOSEN, FRONT, WHOLE, OTHER = "@", "*", "o", "·"
_MOST = 24
"""Curves that are drawn behind the best ones."""
_QUIET, _LOUD = ROLES.index("faint"), ROLES.index("strong")
_LOOKS = (ROLES.index("accent"), ROLES.index("warn"), ROLES.index("good"), ROLES.index("dim"))


def ranked(state: SweepState) -> list[SweepTrial]:
    """Return the trials with a value, the best first."""
    sign = -1 if state.maximizes else 1
    known = [trial for trial in state.trials if is_number(trial.best)]
    return sorted(known, key=lambda trial: (sign * (trial.best or 0.0), trial.number))


def chosen_trial(state: SweepState, chosen: int | None) -> SweepTrial | None:
    """Return the trial with a number, if there is one."""
    return next((trial for trial in state.trials if trial.number == chosen), None)


def best_curves(state: SweepState, chosen: int | None, height: int) -> ChartPicture:
    """Return the curves of the best trials and of the chosen one over those of some others."""
    order = ranked(state)
    best, rest = order[: len(GLYPHS)], some(order[len(GLYPHS) :], _MOST)
    own = chosen_trial(state, chosen)
    loud = ([own] if own else []) + [trial for trial in best if trial.number != chosen]
    lines = {trial.number: _points(trial) for trial in (*loud, *rest)}
    longest = max((len(trial.curve) for trial in (*loud, *rest)), default=0)
    if not any(lines.values()):
        return ChartPicture(note="the curves appear after the first epochs")
    x = epochs_axis(float(longest), max(longest, state.epochs), ticks=6)
    values = usual(x, *lines.values())
    goal = _goal(state, values, height)
    lines = {number: goal.at(points) for number, points in lines.items()}
    glyphs = dict(zip((trial.number for trial in best), GLYPHS, strict=False))
    looks = dict(zip((trial.number for trial in best), _LOOKS, strict=False))
    if own:
        glyphs[own.number], looks[own.number] = CHOSEN, _LOUD
    curves = [
        Curve(lines[trial.number], glyphs[trial.number], look=looks[trial.number], names=True)
        for trial in loud
    ]
    curves += [
        Curve(lines[trial.number], look=_QUIET)
        for trial in rest
        if trial.number != chosen and lines[trial.number]
    ]
    return ChartPicture(_titles(state, loud, glyphs, looks), Plot(tuple(curves), x, goal.axis))


def _titles(
    state: SweepState,
    trials: Sequence[SweepTrial],
    glyphs: Mapping[int, str],
    looks: Mapping[int, int],
) -> tuple[Line, ...]:
    """Return the heading with the values of all trials, then with ever fewer."""
    title: Run = (f" {_objective(state)}", "strong")
    names: list[Run] = [
        (
            f"  {glyphs[trial.number]} {trial.number}: {value_of(state, trial.best)}",
            ROLES[looks[trial.number]],
        )
        for trial in trials
    ]
    return tuple((title, *names[:most]) for most in range(len(names), -1, -1))


def some(trials: Sequence[SweepTrial], most: int) -> Sequence[SweepTrial]:
    """Return a part of many trials, evenly from the best to the worst."""
    return trials[:: -(-len(trials) // most)] if trials else trials


def _points(trial: SweepTrial) -> tuple[Point, ...]:
    return tuple(
        (float(epoch), value)
        for epoch, value in enumerate(trial.curve, start=1)
        if is_number(value)
    )


def _objective(state: SweepState) -> str:
    return f"validation {clean(state.objectives[0])}"


@dataclass(frozen=True)
class _Goal:
    """The vertical axis, of accuracies or losses; losses far apart are on a logarithmic scale."""

    axis: Axis
    log: bool = False

    def at(self, points: Sequence[Point]) -> tuple[Point, ...]:
        """Return points on the axis."""
        if not self.log:
            return tuple(points)
        return tuple((x, math.log10(max(y, _LEAST_LOSS))) for x, y in points)


def _goal(state: SweepState, values: Sequence[float], rows: int) -> _Goal:
    if state.objectives[0] == "accuracy":
        parts = parts_of(rows, thirds=False)
        return _Goal(accuracy_axis([min(1.0, max(0.0, value)) for value in values], parts))
    parts = parts_of(rows)
    values = [max(value, _LEAST_LOSS) for value in values]
    if max(values) > _FAR * min(values):
        return _Goal(log_axis([math.log10(value) for value in values], parts), log=True)
    return _Goal(loss_axis(values, parts))


_FAR, _LEAST_LOSS = 30, 1e-9


def slice_of(
    state: SweepState, field: str, chosen: int | None, width: int, height: int
) -> ChartPicture:
    """Return the best value of every trial over its value of one field."""
    known = [trial for trial in ranked(state) if field in trial.values]
    if not known:
        return ChartPicture(note="no trial with a value of this field has a result yet")
    scale = scale_of(state, field)
    points = {t.number: (scale.at(t.values[field]), t.best or 0.0) for t in known}
    name = short_names(state.fields)[field]
    x = scale.axis(clean(name), max(2, width // 12))
    title: Line = (
        (f" {_objective(state)} over ", "strong"),
        (clean(field), "accent"),
        (" log" if scale.log else "", "dim"),
        (f"  {FRONT} best", ROLES[_LOOKS[2]]),
        (f"  {CHOSEN} chosen", ROLES[_LOUD]),
        (f"  {OTHER} not finished", "dim"),
    )
    return ChartPicture(_shorter(title, 3), _scatter(state, points, x, chosen, height))


def _shorter(title: Line, least: int) -> tuple[Line, ...]:
    """Return a heading, then with ever fewer of its parts."""
    return tuple(title[:parts] for parts in range(len(title), least - 1, -1))


def _scatter(
    state: SweepState,
    points: dict[int, Point],
    x: Axis,
    chosen: int | None,
    height: int,
    front: Sequence[int] = (),
) -> Plot:
    """Return all trials as points, those of a front joined, the best and the chosen one marked."""
    goal = _goal(state, [value for _, value in points.values()], height)
    points = dict(zip(points, goal.at(list(points.values())), strict=True))
    on_front = tuple(points[number] for number in front)
    best = state.best.number if state.best else None
    whole = {trial.number for trial in state.trials if trial.state == "finished"}
    parts = (
        tuple(point for number, point in points.items() if (number in whole) is ended)
        for ended in (False, True)
    )
    curves = [
        Curve(part, glyph, joined=False, look=look)
        for part, glyph, look in zip(parts, (OTHER, WHOLE), (_QUIET, _LOOKS[0]), strict=True)
        if part
    ]
    if front:
        # Its marks are points of their own, below that of the chosen trial.
        curves += [Curve(on_front, look=_LOOKS[2])]
        curves += [Curve(on_front, FRONT, joined=False, look=_LOOKS[2])]
    curves += [
        Curve((points[number],), glyph, joined=False, look=look)
        for number, glyph, look in ((best, FRONT, _LOOKS[2]), (chosen, CHOSEN, _LOUD))
        if number in points
    ]
    return Plot(tuple(curves), x, goal.axis)


def cost_name(state: SweepState) -> str:
    """Return what the front sets against the objective."""
    return state.objectives[1] if len(state.objectives) > 1 else "parameters"


def front_of(state: SweepState) -> list[SweepTrial]:
    """Return the trials that no other one beats in objective and cost, the cheapest first."""
    sign = -1 if state.maximizes else 1
    front: list[SweepTrial] = []
    order = [trial for trial in ranked(state) if trial.state == "finished"]
    for trial in sorted(order, key=lambda trial: _cost(state, trial)):
        if not front or sign * (trial.best or 0.0) < sign * (front[-1].best or 0.0):
            front.append(trial)
    return front


def _cost(state: SweepState, trial: SweepTrial) -> int:
    return trial.macs if cost_name(state) == "macs" else trial.parameters


def front_picture(state: SweepState, chosen: int | None, width: int, height: int) -> ChartPicture:
    """Return the objective over the parameters, or the multiply-adds, of every trial."""
    known = ranked(state)
    if not known:
        return ChartPicture(note="no trial has a result yet")
    scale = figures_scale([_cost(state, trial) for trial in known])
    points = {t.number: (scale.at(_cost(state, t)), t.best or 0.0) for t in known}
    name = {"macs": "MACs", "parameters": "params"}.get(cost_name(state), cost_name(state))
    front = [trial.number for trial in front_of(state)]
    x = scale.axis(name, max(2, width // 12), lambda cost: compact(round(cost)))
    title: Line = (
        (f" {_objective(state)} over {clean(cost_name(state))}", "strong"),
        (" log" if scale.log else "", "dim"),
        (f"  {FRONT} front of {len(front)}", ROLES[_LOOKS[2]]),
        (f"  {CHOSEN} chosen", ROLES[_LOUD]),
    )
    return ChartPicture(_shorter(title, 2), _scatter(state, points, x, chosen, height, front))
