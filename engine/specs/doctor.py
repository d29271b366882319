"""The shape doctor: tries prescriptions on the network itself and keeps those that work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from cnn_tui.engine.specs.case import Case, Prescription
from cnn_tui.engine.specs.flow import Flow, Step, dims
from cnn_tui.engine.specs.infer import walk
from cnn_tui.engine.specs.layers import Layer, Residual, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.prescriptions import prescribe
from cnn_tui.engine.specs.report import Fix

_MOST_FIXES = 5


def cure(case: Case) -> tuple[Fix, ...]:
    """The fixes that work: those after which all later layers fit first, then the smallest."""
    outcomes = [outcome for one in prescribe(case) if (outcome := _try(case, one)) is not None]
    outcomes.sort(key=lambda outcome: (outcome.breaks, outcome.cost))
    # Rounding down stays in the list however it ranks: of all fixes it alone changes no size.
    last = [outcome for outcome in outcomes if outcome.fix.value == "floor"]
    others = [outcome for outcome in outcomes if outcome.fix.value != "floor"]
    return tuple(outcome.fix for outcome in others[: _MOST_FIXES - len(last)] + last)


def apply_fix(network: Network, fix: Fix) -> Network:
    """The network with a fix made, and with all that the fix needs.

    Raises:
        IndexError: for a fix of another network.
    """
    for change in (fix, *fix.also):
        value = tuple(change.value) if isinstance(change.value, list) else change.value
        if change.layer == 0:
            network = msgspec.structs.replace(network, **{change.field: value})
        else:
            layers = _set_in(network.layers, change.layer - 1, change.field, value)
            network = msgspec.structs.replace(network, layers=layers)
    return network


def _set_in(layers: Sequence[Layer], at: int, field: str, value: object) -> tuple[Layer, ...]:
    return (*layers[:at], _set(layers[at], field, value), *layers[at + 1 :])


def _set(layer: Layer, field: str, value: object) -> Layer:
    inner = re.fullmatch(r"branch\[(\d+)\]\.(.+)", field)
    if inner and isinstance(layer, Residual):
        branch = _set_in(layer.branch, int(inner[1]), inner[2], value)
        return msgspec.structs.replace(layer, branch=branch)
    return msgspec.structs.replace(layer, **{field: value})


class _Outcome(NamedTuple):
    fix: Fix
    breaks: bool
    cost: float


def _try(case: Case, prescription: Prescription) -> _Outcome | None:
    fix = prescription.fix
    network = apply_fix(case.network, fix)
    first = 0 if fix.layer == 0 else case.place[0]
    flow = Flow(network.input) if first == 0 else case.steps[first].before
    steps = walk(network.layers[first:], flow)
    here = case.place[0] - first
    target = _inside(steps[here], case.place[1:])
    if target is None or target.broken or any(step.broken for step in steps[:here]):
        return None
    broken = next(_broken(steps[here:], case.place[0] + 1), "")
    is_last = case.place == (len(network.layers) - 1,)
    later = broken or ("" if is_last else "all later layers fit")
    shape = dims(target.after.shape or ())
    effect = ", ".join(filter(None, (shape, prescription.note, later)))
    description = ": ".join(filter(None, (prescription.label, effect)))
    fix = msgspec.structs.replace(fix, description=description)
    return _Outcome(fix, bool(broken), prescription.cost)


def _inside(step: Step, place: Sequence[int]) -> Step | None:
    for position in place:
        if position >= len(step.branch):
            return None
        step = step.branch[position]
    return step


def _broken(steps: Sequence[Step], first: int) -> Iterator[str]:
    for number, step in enumerate(steps, first):
        if step.broken:
            yield f"then layer {number} ({layer_type(step.layer)}) breaks"
