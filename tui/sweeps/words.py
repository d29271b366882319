"""What is said of a sweep and of one of its trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from textwrap import wrap

from cnn_tui.engine.sweeps.state import SweepState, SweepTrial
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.rows import Line, bar
from cnn_tui.tui.sweeps.scales import value_words
from cnn_tui.tui.sweeps.trials import BEST, OVER, STATES, orders_of, short_names, value_of
from cnn_tui.tui.words import clean, clock, compact, count, fit

_NAME, _BAR = 18, 8
"""Columns of a field's name and, at least, of the bar."""
_PHASES = {"running": "accent", "finished": "good", "interrupted": "warn", "failed": "error"}


def heading_words(state: SweepState) -> str:
    """Return the state of the sweep for the header."""
    return {"running": "sweeping"}.get(state.phase, state.phase)


def progress(state: SweepState, now: datetime, width: int) -> tuple[Line, ...]:
    """Return a bar, how many trials are in which state, the time, and what stopped it."""
    counts = Counter(trial.state for trial in state.trials)
    done = sum(counts[name] for name in OVER)
    total = max(state.total, done)
    parts = [f"{counts[name]} {name}" for name in STATES if counts[name]]
    refused = sum(state.refused.values())
    parts += [f"{refused} refused"] if refused else []
    states = f": {', '.join(parts)}" if parts else ""
    words = f"  {done} of {count(total, 'trial')}{states}"
    if len(words) + _BAR + 8 > width:
        words = f"  {done}/{total}{states}"
    room = max(_BAR, min(3 * _BAR, width - len(words) - 5 * _BAR))
    line: Line = ((" ", ""), *bar(done / total if total else 0.0, room), (words, ""))
    times = f"  {_times(state, done, total, now)}"
    shown = sum(len(text) for text, _ in line)
    if shown + len(times) > width:
        return ((*line,), *_state_line(state, times.strip(), width))
    return ((*line, (times, "dim")), *_state_line(state, "", width))


def _state_line(state: SweepState, times: str, width: int) -> tuple[Line, ...]:
    """Return how it stands: running where, or why not."""
    values = ""
    match state.phase:
        case "running":
            words = f"running on {count(state.workers, 'worker')}" if state.workers else "begins"
        case "interrupted":
            words = keyed(
                "interrupted: no process coordinates it; {sweeps.resume} resumes, "
                "finished trials stay"
            )
        case "stopped":
            words = keyed("stopped; {sweeps.resume} resumes")
        case "finished" if state.best and not state.message:
            best = state.best
            words = f"best {value_of(state, best.best)} in trial {best.number}"
            values = ", ".join(_short_values(state, best))
        case phase:
            words = phase
    message = f": {state.message}" if state.message else ""
    role = _PHASES.get(state.phase, "dim")
    shown = f" {clean(words + message)}"
    rest = "".join(f"   {part}" for part in (times, clean(values), clean(state.title)) if part)
    return (((shown, role), (fit(rest, max(0, width - len(shown))).rstrip(), "dim")),)


def _short_values(state: SweepState, trial: SweepTrial) -> Iterator[str]:
    names = short_names(state.fields)
    for field, value in trial.values.items():
        yield f"{names.get(field, field)} {value_words(value)}"


def _times(state: SweepState, done: int, total: int, now: datetime) -> str:
    began = _moment(state.started)
    until = now if state.phase == "running" else _moment(state.ended)
    if began is None or until is None:
        return ""
    seconds = max(0.0, (until - began).total_seconds())
    left = ""
    if state.phase == "running" and 0 < done < total:
        left = f", about {clock(seconds / done * (total - done))} left"
    return clock(seconds) + left


def _moment(words: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def listing_words(state: SweepState, shown: int, order: str, words: str) -> Line:
    """Return how many trials are shown, their order and filter, and what marks the best."""
    of = "" if shown == len(state.trials) else f" of {len(state.trials)}"
    name = short_names(state.fields).get(order, order)
    listed = f" {shown}{of} by {clean(name)} (s), {BEST} best"
    filtered = f"; filter: {clean(words)}" if words else ""
    return ((listed, "dim"), (filtered, "warn"))


def next_order(state: SweepState, order: str, by: int) -> str:
    """Return another of the orders."""
    orders = orders_of(state)
    at = orders.index(order) if order in orders else 0
    return orders[(at + by) % len(orders)]


def about_trial(state: SweepState, trial: SweepTrial | None, width: int) -> tuple[Line, ...]:
    """Return everything known of a trial, then what the sweep did not train and why."""
    if trial is None:
        return (*_refused(state, width),)
    best = state.best is not None and state.best.number == trial.number
    spread = f" ± {value_of(state, trial.spread)}" if trial.spread is not None else ""
    at = f"{state.objectives[0]} {value_of(state, trial.best)}{spread}" if trial.best else ""
    head = f" trial {trial.number}"
    state_words = f"  {trial.state}" + (", the best so far" if best else "")
    again = f", start {trial.attempts}" if trial.attempts > 1 else ""
    facts = (
        f"epoch {trial.epoch} of {trial.epochs}{again}   {at}".rstrip(),
        f"{trial.parameters:,} params   {compact(trial.macs)} MACs",
        f"{'ran' if trial.state in OVER else 'runs'} on {clean(trial.worker)}"
        if trial.worker
        else "",
        f"{clean(', '.join(trial.runs))}" + (f"   {clock(trial.seconds)}" if trial.seconds else ""),
    )
    return (
        ((head, "strong"), (state_words, "good" if best else "")),
        *_wrapped(clean(trial.reason), "error" if trial.state == "failed" else "warn", width),
        *_values(state, trial, width),
        *(line for fact in facts if fact for line in _wrapped(fact, "dim", width)),
        *_refused(state, width),
    )


def _values(state: SweepState, trial: SweepTrial, width: int) -> Iterator[Line]:
    room = max(8, width - _NAME - 3)
    for field in state.fields:
        if field in trial.values:
            value = clean(value_words(trial.values[field]))
            yield ((f" {fit(clean(field), _NAME)} ", "dim"), (fit(value, room).rstrip(), ""))


def _refused(state: SweepState, width: int) -> Iterator[Line]:
    if not state.refused:
        return
    total = sum(state.refused.values())
    yield ()
    yield from _wrapped(f"{count(total, 'point')} refused, not trained:", "dim", width)
    for reason, number in state.refused.items():
        yield from _wrapped(f"{number} × {clean(reason)}", "dim", width)


def _wrapped(words: str, role: str, width: int) -> Iterator[Line]:
    return (((f" {line}", role),) for line in wrap(words, max(8, width - 2)))


def importance_rows(
    state: SweepState, field: str, width: int, missing: str = ""
) -> tuple[Line, ...]:
    """Return a bar for each field, the most important first; ``missing`` says why there is none."""
    if not state.importance:
        return tuple(_wrapped(missing or _TOO_FEW, "dim", width))
    names = short_names(state.fields, 24)
    weights = sorted(state.importance.items(), key=lambda pair: -pair[1])
    label = max((len(names.get(name, name)) for name, _ in weights), default=0)
    return tuple(
        (
            ("> " if name == field else "  ", ""),
            (f"{clean(names.get(name, name)):<{label}} ", "strong" if name == field else ""),
            *bar(weight, max(8, width - label - 10)),
        )
        for name, weight in weights
    )


_TOO_FEW = "The importance of the fields needs a few finished trials."
