"""The shape doctor: tries prescriptions on the network itself and keeps those that work."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import NamedTuple

import msgspec

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.fixes import prescribe
from cnn_tui.engine.specs.flow import Case, FeatureMap, FixCandidate, InferredLayer
from cnn_tui.engine.specs.infer import infer, steps_through
from cnn_tui.engine.specs.layers import Layer, Residual, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.report import Fix
from cnn_tui.engine.specs.structural_fixes import last_resorts

_MOST_FIXES = 5


def cure(case: Case) -> tuple[Fix, ...]:
    """The fixes that work: those after which all later layers fit first, then the smallest.

    Where every small change brings another fault to light, they are offered all the same, and
    behind them larger changes.
    """
    small = [outcome for one in prescribe(case) if (outcome := _try(case, one)) is not None]
    if clean := [outcome for outcome in small if outcome.clean]:
        return _best(clean)
    large = [outcome for one in last_resorts(case) if (outcome := _try(case, one)) is not None]
    return (*_best(small), *_best([one for one in large if one.clean] or large))[:_MOST_FIXES]


def cure_briefly(case: Case) -> tuple[Fix, ...]:
    """The first fix that mends the layer taken by itself: cheap, however large the network."""
    for prescription in chain(prescribe(case), last_resorts(case)):
        if _helps_alone(case, prescription.fix):
            return (msgspec.structs.replace(prescription.fix, description=prescription.label),)
    return ()


def _helps_alone(case: Case, fix: Fix) -> bool:
    """Whether changes of nothing but the layer rid it of the fault."""
    prefix = "".join(f"branch[{position}]." for position in case.place[1:])
    layers: tuple[Layer, ...] = (case.step.layer,)
    for change in (fix, *fix.also):
        if change.layer != case.place[0] + 1:
            return False
        layers = _changed(layers, 0, change.field.removeprefix(prefix), change.value)
    if len(layers) != 1:
        return True
    return all(one.code != case.fault.code for one in infer(layers[0], case.step.before).faults)


def _best(outcomes: list[_Outcome]) -> tuple[Fix, ...]:
    outcomes.sort(key=lambda outcome: (outcome.breaks, outcome.cost))
    # Rounding down stays in the list however it ranks: of all fixes it alone changes no size.
    last = [outcome for outcome in outcomes if outcome.fix.value == "floor"]
    others = [outcome for outcome in outcomes if outcome.fix.value != "floor"]
    return tuple(outcome.fix for outcome in others[: _MOST_FIXES - len(last)] + last)


def apply_fix(network: Network, fix: Fix) -> Network:
    """The network with a fix made, and with all that the fix needs.

    Raises:
        IndexError: for a fix of another network.
        SpecError: for layers to be put in that are no quick entry.
    """
    for change in (fix, *fix.also):
        if change.layer == 0:
            value = tuple(change.value) if isinstance(change.value, list) else change.value
            network = msgspec.structs.replace(network, **{change.field: value})
        else:
            layers = _changed(network.layers, change.layer - 1, change.field, change.value)
            network = msgspec.structs.replace(network, layers=layers)
    return network


def _changed(layers: Sequence[Layer], at: int, field: str, value: object) -> tuple[Layer, ...]:
    changed: tuple[Layer, ...]
    if field == "replace":
        changed = parse_quick(str(value))
    elif field == "after":
        changed = (layers[at], *parse_quick(str(value)))
    else:
        changed = (_set(layers[at], field, value),)
    return (*layers[:at], *changed, *layers[at + 1 :])


def _set(layer: Layer, field: str, value: object) -> Layer:
    inner = re.fullmatch(r"branch\[(\d+)\]\.(.+)", field)
    if inner and isinstance(layer, Residual):
        branch = _changed(layer.branch, int(inner[1]), inner[2], value)
        return msgspec.structs.replace(layer, branch=branch)
    value = tuple(value) if isinstance(value, list) else value
    return msgspec.structs.replace(layer, **{field: value})


class _Outcome(NamedTuple):
    fix: Fix
    clean: bool
    """Whether no other fault came to light at the layer, or before it."""
    breaks: bool
    cost: float


def _try(case: Case, prescription: FixCandidate) -> _Outcome | None:
    """What comes of a change; None if the fault is still there."""
    network = apply_fix(case.network, prescription.fix)
    changes = (prescription.fix, *prescription.fix.also)
    first = max(0, min(change.layer for change in changes) - 1)
    if case.fault.code == "too-large":
        first = 0  # the counts of all layers before it add up
    flow = FeatureMap(network.input) if first == 0 else case.steps[first].before
    end = case.place[0] + 1 + len(network.layers) - len(case.network.layers)
    steps = steps_through(network.layers[first:], flow)
    region = tuple(islice(steps, max(0, end - first)))
    if not _is_mended(case, prescription.fix, region):
        return None
    before = _codes(case.steps[first : case.place[0] + 1])
    expected = before - Counter({case.fault.code: 1})
    broken, later = _outlook(chain(region, steps), first + 1)
    if end == len(network.layers) and not broken:
        later = ""
    output = _output(case, region, end) if prescription.fix.value != "" else ""
    effect = ", ".join(filter(None, (output, prescription.note, later)))
    description = ": ".join(filter(None, (prescription.label, effect)))
    fix = msgspec.structs.replace(prescription.fix, description=description)
    return _Outcome(fix, _codes(region) <= expected, broken, prescription.cost)


def _is_mended(case: Case, fix: Fix, region: Sequence[InferredLayer]) -> bool:
    """Whether the layer has the fault no longer, or is no longer there."""
    if fix.value == "":
        return not fix.also or not region[0].faults
    target = _inside(region[-1], case.place[1:])
    return target is None or all(fault.code != case.fault.code for fault in target.faults)


def _output(case: Case, region: Sequence[InferredLayer], end: int) -> str:
    """What the layer gives now, or the last of those in its place."""
    step = region[-1] if region else None
    if step is not None and end == case.place[0] + 1:
        step = _inside(step, case.place[1:]) or step
    return format_shape(step.after.shape or ()) if step else ""


def _inside(step: InferredLayer, place: Sequence[int]) -> InferredLayer | None:
    for position in place:
        if position >= len(step.branch):
            return None
        step = step.branch[position]
    return step


def _codes(steps: Iterable[InferredLayer]) -> Counter[str]:
    return sum((step.codes for step in steps), Counter())


def _outlook(steps: Iterable[InferredLayer], first: int) -> tuple[bool, str]:
    """Whether a layer does not fit, and what is to be said of those to come."""
    shape = None
    for number, step in enumerate(steps, first):
        if step.broken:
            return True, f"then layer {number} ({layer_type(step.layer)}) breaks"
        shape = step.after.shape
    # Behind another fault nobody knows.
    return False, "all later layers fit" if shape else ""
