"""The shape doctor: tries candidate fixes on the network and keeps those that work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import NamedTuple

import msgspec

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.applying import apply_fix, changed_layers
from cnn_tui.engine.specs.cases import Case, FixCandidate, first_broken
from cnn_tui.engine.specs.fixes import suggest_fixes
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer
from cnn_tui.engine.specs.infer import infer, infer_lazily
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.report import Fix
from cnn_tui.engine.specs.score_fixes import data_fixes
from cnn_tui.engine.specs.scores import DATA_CODES
from cnn_tui.engine.specs.structural_fixes import structural_fixes

_MOST_FIXES = 5


def find_fixes(case: Case, undone: Sequence[Fix] = ()) -> tuple[Fix, ...]:
    """Return the fixes that work: those after which all later layers fit first, then the smallest.

    If every small change reveals another fault, the small changes are offered all the same,
    followed by larger ones.

    Args:
        case: the fault.
        undone: fixes that take an edit back; they come before all others.
    """
    most = _MOST_FIXES - len(undone)
    if case.fault.code in DATA_CODES:
        found = data_fixes(case)
        return _different(case, (*undone, *found))[:_MOST_FIXES]
    small = _outcomes(case, suggest_fixes(case))
    clean = [outcome for outcome in small if outcome.clean]
    if clean or undone:
        return _different(case, (*undone, *_best(clean or small, most)))
    large = _outcomes(case, structural_fixes(case))
    found = (*_best(small), *_best([fix for fix in large if fix.clean] or large))
    return _different(case, found)[:_MOST_FIXES]


def _different(case: Case, fixes: Iterable[Fix]) -> tuple[Fix, ...]:
    """The first of those that lead to the same network; none that changes nothing."""
    networks = [case.network]
    kept = []
    for fix in fixes:
        network = apply_fix(case.network, fix)
        if network not in networks:
            networks.append(network)
            kept.append(fix)
    return tuple(kept)


def first_fix(case: Case) -> tuple[Fix, ...]:
    """Return the first fix that works for the layer alone; fast for networks of any size."""
    for candidate in chain(suggest_fixes(case), structural_fixes(case)):
        if _helps_alone(case, candidate.fix):
            return (msgspec.structs.replace(candidate.fix, description=candidate.words),)
    return ()


def _helps_alone(case: Case, fix: Fix) -> bool:
    """Whether the fix changes only this layer, and removes the fault."""
    layers: tuple[Layer, ...] = (case.step.layer,)
    for change in (fix, *fix.also):
        if change.layer != case.place[0] + 1:
            return False
        layers = changed_layers(layers, 0, change.field.removeprefix(case.inside), change.value)
    if len(layers) != 1:
        return True
    (changed,) = layers
    faults = infer(changed, case.step.before).faults
    return all(fault.code != case.fault.code for fault in faults)


def _outcomes(case: Case, candidates: Iterable[FixCandidate]) -> list[_Outcome]:
    return [outcome for candidate in candidates if (outcome := _try(case, candidate)) is not None]


def _best(outcomes: list[_Outcome], most: int = _MOST_FIXES) -> tuple[Fix, ...]:
    outcomes.sort(key=lambda outcome: (outcome.breaks, outcome.cost))
    # Rounding down is always listed: it is the only fix that changes no size.
    last = [outcome for outcome in outcomes if outcome.fix.value == "floor"]
    others = [outcome for outcome in outcomes if outcome.fix.value != "floor"]
    return tuple(outcome.fix for outcome in others[: most - len(last)] + last)


class _Outcome(NamedTuple):
    fix: Fix
    clean: bool
    """Whether no other fault appeared at the layer or before it."""
    breaks: bool
    cost: float


def _try(case: Case, candidate: FixCandidate) -> _Outcome | None:
    """The outcome of a change; None if the fault remains."""
    network = apply_fix(case.network, candidate.fix)
    changes = (candidate.fix, *candidate.fix.also)
    first = max(0, min(change.layer for change in changes) - 1)
    if case.fault.code == "too-large":
        first = 0  # the counts of all earlier layers are summed
    flow = FeatureMap(network.input) if first == 0 else case.steps[first].before
    change = len(network.layers) - len(case.network.layers)
    end = case.place[0] + 1 + change
    steps = infer_lazily(network.layers[first:], flow)
    region = tuple(islice(steps, end - first))
    if not _is_fixed(case, candidate.fix, region):
        return None
    before = _codes(case.steps[first : case.place[0] + 1])
    expected = before - Counter({case.fault.code: 1})
    broken = later = first_broken(chain(region, steps), case.steps, change != 0, first + 1)
    # After another fault shapes are unknown.
    if end < len(network.layers) and flow.shape is not None and not broken:
        later = "all later layers fit"
    output = _output(case, region[-1]) if candidate.fix.value != "" else ""
    output = output and f"gives {output}"
    effect = ", ".join(filter(None, (output, candidate.note, later)))
    description = ": ".join(filter(None, (candidate.words, effect)))
    fix = msgspec.structs.replace(candidate.fix, description=description)
    return _Outcome(fix, _codes(region) <= expected, bool(broken), candidate.cost)


def _is_fixed(case: Case, fix: Fix, region: Sequence[InferredLayer]) -> bool:
    """Whether the layer no longer has the fault, or was taken out of its place."""
    if fix.value == "":
        return True
    for target in region[-1].every_at(case.place[1:]):
        # A branch that no longer fits inside hides that the branches do not fit each other.
        is_open = case.fault.code == "branch-shapes" and target.after.shape is None
        if is_open or any(fault.code == case.fault.code for fault in target.faults):
            return False
    return True


def _output(case: Case, last: InferredLayer) -> str:
    """The output of the changed layer, or of the last layer that replaces it."""
    step = last.at(case.place[1:]) or last
    return format_shape(step.after.shape or ())


def _codes(steps: Iterable[InferredLayer]) -> Counter[str]:
    return sum((step.codes for step in steps), Counter())
