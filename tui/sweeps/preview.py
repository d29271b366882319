"""What a sweep would run, before it does: its space, and which of its points do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import NamedTuple

from cnn_tui.engine.sweeps.plan import SweepPlan
from cnn_tui.engine.sweeps.space import SpaceField
from cnn_tui.engine.sweeps.trying import SpaceLook
from cnn_tui.tui.rows import Line
from cnn_tui.tui.sweeps.scales import value_words
from cnn_tui.tui.words import clean, compact, count, fit

_NAME = 20


def plan_rows(plan: SweepPlan) -> list[Said]:
    """Return what is searched, where, and how."""
    search = plan.search
    runs = plan.trials * search.seeds
    seeds = f" x {search.seeds} seeds = {runs:,} runs" if search.seeds > 1 else ""
    rows = [
        Said("base", f"{plan.base.name} on {plan.base.data}"),
        Said("trials", f"{plan.trials:,}{seeds} of {count(plan.epochs, 'epoch')}"),
        Said("search", f"{search.sampler}, pruner {search.pruner}"),
        Said("objective", " and ".join(search.objectives)),
    ]
    rows += [Said(field.name, field_words(field), "accent") for field in plan.space]
    return rows


def field_words(field: SpaceField) -> str:
    """Return the values of a field: ``1e-4 to 1, log``, ``8, 16, 32``, ``5 to 50 by 5``."""
    if field.kind == "choice":
        words = ", ".join(map(value_words, field.choices))
    else:
        low, high = map(value_words, field.edges())
        words = f"{low} to {high}" + (", log" if field.log else "")
        words += f" by {value_words(field.step)}" if field.step else ""
        words += f", {field.points} points" if field.points else ""
    when = " and ".join(
        f"{name} is {' or '.join(map(value_words, allowed))}"
        for name, allowed in field.when.items()
    )
    return f"{words}, when {when}" if when else words


def look_rows(look: SpaceLook) -> list[Said]:
    """Return how many points fit, and why the others do not."""
    which = "all points" if look.tried == look.points else f"{look.tried:,} points that were tried"
    fits = f"{look.fits:,} of {which} fit" if look.refused else f"{which} fit"
    rows = [Said("fits", fits, "warn" if look.refused else "")]
    if look.parameters:
        least, most = map(compact, look.parameters)
        rows.append(Said("parameters", least if least == most else f"{least} to {most}"))
    reasons = (f"{number} x {reason}" for reason, number in look.refused.items())
    rows += [Said("do not fit", reason, "warn") for reason in reasons]
    return [*rows, *(Said("unused", sentence, "warn") for sentence in look.unused)]


class Said(NamedTuple):
    """A label and words of any length."""

    label: str
    words: str
    role: str = ""


def in_rows(said: Iterable[Said], width: int) -> Iterator[Line]:
    """Yield the words beside their labels, in as many rows as they need."""
    for label, words, role in said:
        lines = wrap(clean(words), max(8, width - _NAME - 1)) or [""]
        for at, line in enumerate(lines):
            yield ((fit("" if at else clean(label), _NAME) + " ", "dim"), (line, role))
