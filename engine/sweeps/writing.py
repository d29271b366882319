"""A sweep as the text of its file, and the file of a finer one around the best trials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cnn_tui.engine.errors import RunError, SpecError
from cnn_tui.engine.specs.codec import toml_value
from cnn_tui.engine.specs.paths import with_setting
from cnn_tui.engine.sweeps.lines import Value
from cnn_tui.engine.sweeps.plan import Search, SweepPlan
from cnn_tui.engine.sweeps.point import as_text, resolve_field
from cnn_tui.engine.sweeps.space import SpaceField
from cnn_tui.engine.sweeps.state import SweepState, SweepTrial

SHARE = 1 / 3
"""The share of a range that a refined sweep keeps, on its own scale."""
_GOOD = 4
"""A refined sweep keeps the choices of the best quarter of the finished trials."""


def dumps_sweep(plan: SweepPlan) -> str:
    """The text of a sweep's file, which is read back as an equal plan."""
    return "\n".join([*_lines(plan), ""])


def _lines(plan: SweepPlan) -> Iterator[str]:
    yield f"name = {toml_value(plan.name)}"
    if plan.description:
        yield f"description = {toml_value(plan.description)}"
    yield f"base = {toml_value(plan.base_name)}"
    if plan.data:
        yield f"data = {toml_value(plan.data)}"
    yield from ("", "[search]")
    for name in Search.__struct_fields__:
        value = getattr(plan.search, name)
        if value is not None:
            yield f"{name} = {toml_value(value)}"
    if plan.fixed:
        yield from ("", "[set]", *_pairs(plan.fixed))
    yield from ("", "[space]")
    for field in plan.space:
        yield f"{_key(field.name)} = {{ {', '.join(_parts(field))} }}"


def _pairs(values: Mapping[str, Value]) -> Iterator[str]:
    for name, value in values.items():
        yield f"{_key(name)} = {toml_value(value)}"


def _key(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else toml_value(name)


def _parts(field: SpaceField) -> Iterator[str]:
    yield f"{field.kind} = {toml_value(field.edges())}"
    if field.step is not None:
        yield f"step = {toml_value(round(field.step) if field.is_integer else field.step)}"
    if field.log and field.is_integer:
        yield "log = true"
    if field.points is not None:
        yield f"points = {field.points}"
    if field.when:
        conditions = (f"{_key(name)} = {toml_value(values)}" for name, values in field.when.items())
        yield f"when = {{ {', '.join(conditions)} }}"


def refine(plan: SweepPlan, state: SweepState, epochs: int | None = None) -> SweepPlan:
    """A finer sweep around the best trial of a finished one, as the notes go from coarse to fine.

    A range keeps a third of its width, on its own scale, around the best value. It may reach beyond
    the old one: the best at an end says that better values may lie outside. Of choices those of
    the best quarter of the trials stay.

    Args:
        plan: the coarse sweep.
        state: its trials.
        epochs: epochs of each run in the finer one; as before if None.

    Raises:
        RunError: if no trial has finished.
    """
    best = state.best
    if best is None:
        raise RunError(
            f"No trial of {state.name} has finished: there is nothing to refine.",
            f"cnn-tui sweep resume {state.name} continues it.",
        )
    good = _good(state)
    space = tuple(_finer(field, best, good, plan) for field in plan.space)
    fixed = dict(plan.fixed) | ({"epochs": epochs} if epochs else {})
    search = plan.search
    if search.sampler == "grid":
        search = msgspec.structs.replace(search, trials=None)
    name = f"{plan.name[:35]}-fine" if not plan.name.endswith("-fine") else plan.name
    return plan._replace(name=name, fixed=fixed, space=space, search=search)


def _good(state: SweepState) -> Sequence[SweepTrial]:
    ended = [t for t in state.trials if t.state == "finished" and t.best is not None]
    ended.sort(key=lambda t: t.best or 0.0, reverse=state.maximizes)
    return ended[: max(1, len(ended) // _GOOD)]


def _finer(
    field: SpaceField, best: SweepTrial, good: Sequence[SweepTrial], plan: SweepPlan
) -> SpaceField:
    if field.kind == "choice":
        used = [trial.values.get(field.name) for trial in good]
        kept = tuple(choice for choice in field.choices if choice in used)
        return field._replace(choices=kept or field.choices)
    value = best.values.get(field.name)
    if not isinstance(value, int | float):
        return field  # its condition does not hold in the best trial
    low, high = _around(field, float(value))
    low = low if _allowed(plan, field, low) else field.low
    high = high if _allowed(plan, field, high) else field.high
    step = field.step
    if step is not None:
        step = max(1.0, round(step * SHARE)) if field.is_integer else step * SHARE
        step = min(step, high - low)
    return field._replace(low=low, high=high, step=step)


def _around(field: SpaceField, value: float) -> tuple[float, float]:
    if field.log:
        factor = (field.high / field.low) ** (SHARE / 2)
        low, high = value / factor, value * factor
    else:
        half = (field.high - field.low) * SHARE / 2
        low, high = value - half, value + half
    if field.is_integer:
        return float(min(math.floor(low), value - 1)), float(max(math.ceil(high), value + 1))
    return float(f"{low:.3g}"), float(f"{high:.3g}")


def _allowed(plan: SweepPlan, field: SpaceField, end: float) -> bool:
    if field.log and end <= 0:
        return False
    value = int(end) if field.is_integer else end
    try:
        with_setting(plan.base, resolve_field(plan.base, field.name), as_text(value))
    except SpecError:
        # A field of the pattern has no limits of its own here: it keeps to the old range.
        return field.low <= end <= field.high
    return True
