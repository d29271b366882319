"""The table of trials: columns, a row for each trial, their order and what a filter keeps."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from math import inf
from operator import ge, gt, le, lt

from cnn_tui.engine.specs.wording import listed
from cnn_tui.engine.sweeps.state import SweepState, SweepTrial, TrialState
from cnn_tui.tui.dashboard.series import sparkline
from cnn_tui.tui.rows import Column, TableRow
from cnn_tui.tui.sweeps.scales import is_number, value_words
from cnn_tui.tui.words import clean, compact, figure, fit, percent

_FIRST = (
    Column("trial", right=True),
    Column("state"),
    Column("epoch", right=True),
    Column("best", right=True),
)
_CURVE = Column("curve", rank=2, role="dim")
_LAST = (
    Column("params", right=True, rank=4, role="dim"),
    Column("worker", rank=5, role="dim"),
    Column("runs", rank=6, role="dim"),
)
_BARS, _NAME, _LONGEST = 12, 14, 40
"""Columns of a sparkline and of a field's name, at most; and of a name where there is room."""
_ROLES = {"running": "accent", "failed": "error"} | dict.fromkeys(("waiting", "pruned"), "dim")
ORDERS = ("best", "trial", "state", "epoch", "params", "worker")
"""The orders of the table besides those by a field."""
OVER: tuple[TrialState, ...] = ("finished", "pruned", "failed")
"""States of trials that have ended."""
STATES: tuple[TrialState, ...] = ("running", *OVER, "waiting")
BEST = "*"
"""Marks the best trial, beside its colour."""
_SIGNS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_COMPARED = re.compile(r"(.+?)(<=|>=|<|>|=)(.+)")
_SIGN = re.compile("[<>=]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?%?")


def value_of(state: SweepState, value: float | None) -> str:
    """Format a value of the first objective."""
    if value is None:
        return ""
    return percent(value) if state.objectives[0] == "accuracy" else figure(value)


def orders_of(state: SweepState) -> tuple[str, ...]:
    """Return the orders in which the trials can be shown."""
    return (*ORDERS, *state.fields)


def short_names(fields: Sequence[str], width: int = _NAME) -> dict[str, str]:
    """Shorten ``conv2.out_channels`` to ``out_channels``, unless another field ends so as well."""
    ends = [field.rpartition(".")[2] for field in fields]
    return {
        field: fit(end if ends.count(end) == 1 else field, width).rstrip()
        for field, end in zip(fields, ends, strict=True)
    }


class TrialTable:
    """Makes the rows of the trials that a filter keeps, in an order; unchanged rows are kept."""

    def __init__(self) -> None:
        self.order, self.words = "best", ""
        self._rows: dict[int, tuple[SweepTrial, TableRow]] = {}
        self._made_for: object = None

    def listing(self, state: SweepState) -> tuple[tuple[Column, ...], tuple[TableRow, ...]]:
        """Return the columns and the rows."""
        names = short_names(state.fields, _LONGEST)
        fields = tuple(Column(names[field], rank=3, most=_NAME) for field in state.fields)
        columns = (*_FIRST, _CURVE, *fields, *_LAST)
        best, scale = state.best, _scale(state)
        made_for = (state.fields, best.number if best else None, scale)
        if made_for != self._made_for:
            self._made_for, self._rows = made_for, {}
        return columns, tuple(self._row(state, trial, scale) for trial in self.shown(state))

    def shown(self, state: SweepState) -> list[SweepTrial]:
        """Return the trials that the filter keeps, in order."""
        kept = [trial for trial in state.trials if matches(state, trial, self.words)]
        return sorted(kept, key=_key(state, self.order))

    def _row(self, state: SweepState, trial: SweepTrial, scale: tuple[float, float]) -> TableRow:
        known, row = self._rows.get(trial.number, (None, None))
        if row is None or known is not trial:
            row = _row(state, trial, scale)
            self._rows[trial.number] = (trial, row)
        return row


def _scale(state: SweepState) -> tuple[float, float]:
    """Return the range of the sparklines, rounded so that it seldom changes."""
    values = [value for trial in state.trials for value in trial.curve if is_number(value)]
    if not values:
        return (0.0, 1.0)
    if state.objectives[0] == "accuracy":
        return (int(min(values) * 20) / 20, -int(-max(values) * 20) / 20)
    return (0.0, max(1e-9, float(f"{max(values):.1g}")))


def _row(state: SweepState, trial: SweepTrial, scale: tuple[float, float]) -> TableRow:
    is_best = state.best is not None and state.best.number == trial.number
    curve = [value if is_number(value) else math.nan for value in trial.curve]
    values = (
        value_words(trial.values[field]) if field in trial.values else "-" for field in state.fields
    )
    cells = (
        str(trial.number),
        trial.state,
        f"{trial.epoch}/{trial.epochs}",
        value_of(state, trial.best) + (BEST if is_best else " "),
        sparkline(curve, _BARS, scale=scale).ljust(min(_BARS, trial.epochs)),
        *(fit(value, _NAME).rstrip() for value in values),
        compact(trial.parameters),
        trial.worker,
        trial.runs[0] if len(trial.runs) == 1 else f"{trial.runs[0]} +{len(trial.runs) - 1}",
    )
    role = "good" if is_best else _ROLES.get(trial.state, "")
    return TableRow(str(trial.number), tuple(map(clean, cells)), role)


def matches(state: SweepState, trial: SweepTrial, query: str) -> bool:
    """Whether every word of a query holds: ``pruned``, ``lr<0.1``, ``optimizer=adam``.

    A word without a sign occurs in the state, the worker, the runs, a value, or the reason.
    """
    return all(_holds(state, trial, word) for word in query.lower().split())


def require_filter(state: SweepState, query: str) -> None:
    """Check the comparisons of a query.

    Raises:
        ValueError: One names no field, or lacks a number; ends a sentence that begins with it.
    """
    for word in query.lower().removeprefix("-").split():
        compared = _COMPARED.fullmatch(word)
        if compared is None:
            if _SIGN.search(word):
                raise ValueError("needs a field, a sign and a value, such as lr<0.01.")
            continue
        name, sign, wanted = compared.groups()
        known = [*_figures(state.trials[0]), *state.fields] if state.trials else [name]
        if not any(name in _forms(field) for field in known):
            raise ValueError(f"names no field. There are {listed(known, 'and')}.")
        if sign != "=" and not _NUMBER.fullmatch(wanted):
            raise ValueError(f"needs a number after {sign}, such as {name}{sign}0.01.")


def _figures(trial: SweepTrial) -> dict[str, float | int | None]:
    return {"best": trial.best, "epoch": trial.epoch, "params": trial.parameters}


def _forms(field: str) -> tuple[str, str]:
    """The name of a field in a query, whole or its end alone, in small letters."""
    return field.lower(), field.lower().rpartition(".")[2]


def _holds(state: SweepState, trial: SweepTrial, word: str) -> bool:
    compared = _COMPARED.fullmatch(word)
    if compared is None:
        values = map(value_words, trial.values.values())
        texts = (trial.state, trial.worker, trial.reason, *trial.runs, *values)
        return word in " ".join(texts).lower()
    name, sign, wanted = compared.groups()
    value = _named(state, trial, name)
    if value is None or sign == "=":
        return value is not None and value_words(value) == wanted
    try:
        limit = float(wanted.removesuffix("%")) / (100 if wanted.endswith("%") else 1)
        return _SIGNS[sign](float(value), limit)
    except ValueError:
        return False


def _named(state: SweepState, trial: SweepTrial, name: str) -> bool | int | float | str | None:
    """Return a figure or a value of a trial by its name, or by the end of it."""
    if name in (figures := _figures(trial)):
        return figures[name]
    known = (field for field in state.fields if name in _forms(field))
    return next((trial.values.get(field) for field in known), None)


def _key(state: SweepState, order: str) -> Callable[[SweepTrial], tuple[object, ...]]:
    sign = -1 if state.maximizes else 1

    def best(trial: SweepTrial) -> tuple[float, int]:
        return (inf if trial.best is None else sign * trial.best, trial.number)

    match order:
        case "best":
            return best
        case "trial":
            return lambda trial: (trial.number,)
        case "state":
            return lambda trial: (STATES.index(trial.state), *best(trial))
        case "epoch":
            return lambda trial: (-trial.epoch, *best(trial))
        case "params":
            return lambda trial: (trial.parameters, *best(trial))
        case "worker":
            return lambda trial: (not trial.worker, trial.worker, *best(trial))
    return lambda trial: (*_ordered(trial, order), *best(trial))


def _ordered(trial: SweepTrial, field: str) -> tuple[bool, bool, float, str]:
    """Return a key of a value: numbers, then words, then nothing."""
    value = trial.values.get(field)
    is_word = not isinstance(value, int | float)
    number = 0.0 if isinstance(value, str | None) else float(value)
    return (field not in trial.values, is_word, number, str(value))
