"""Fixes of faults between a network and its data, tried on the whole network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.cases import Case, FixCandidate, first_broken
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer
from cnn_tui.engine.specs.infer import infer_layers
from cnn_tui.engine.specs.known_data import KNOWN_DATA, DataFacts, facts_for
from cnn_tui.engine.specs.layers import FC, Conv, layer_type
from cnn_tui.engine.specs.report import Fix
from cnn_tui.engine.specs.scores import WIDTHS, decider, score_faults

_USUAL_CLASSES = 10
_MOST_DATA = 3
"""Datasets that are offered for an input."""


def data_fixes(case: Case) -> tuple[Fix, ...]:
    """Return the fixes of an input or of scores that do not match the data, the best first."""
    candidates = _inputs(case) if case.fault.code == "input" else _scores(case)
    tried = [outcome for candidate in candidates for outcome in _try(case, candidate)]
    # Those that leave equally much stay in their order: the smaller change first.
    tried.sort(key=lambda outcome: outcome.left)
    return tuple(outcome.fix for outcome in tried)


class _Tried(NamedTuple):
    fix: Fix
    left: int
    """Number of faults that remain."""


def _inputs(case: Case) -> Iterator[FixCandidate]:
    """The shape of the data's images and, if it differs, the number of scores."""
    shape = case.fault.wanted
    if not isinstance(shape, list):
        return
    label, was = f"input {format_shape(tuple(shape))}", format_shape(case.network.input)
    also = tuple(_width(case)) if any(_miscounted(case)) else ()
    yield FixCandidate(Fix(0, "input", shape, "", also), label, was=was)
    was = case.facts.name if case.facts else ""
    suitable = (name for name, facts in KNOWN_DATA.items() if facts.suits(case.network.input))
    for name in islice(suitable, _MOST_DATA):
        yield FixCandidate(Fix(0, "data", name, ""), f"data {name}", was=was)


def _miscounted(case: Case) -> Iterator[str]:
    for _, fault in score_faults(case.steps, case.facts):
        if fault.code == "classes":
            yield fault.code


def _width(case: Case) -> Iterator[Fix]:
    """The wanted number of scores at the layer that sets it."""
    position = decider(case.steps)
    if position is not None:
        field = WIDTHS[type(case.steps[position].layer)]
        yield Fix(position + 1, field, _wanted(case), "")


def _wanted(case: Case) -> int:
    known = case.facts.classes if case.facts else None
    return known or (2 if case.fault.code == "one-class" else _USUAL_CLASSES)


def _scores(case: Case) -> Iterator[FixCandidate]:
    layers, wanted = case.network.layers, _wanted(case)
    shape = case.steps[-1].after.shape or ()
    if case.fault.code == "not-plain":
        name = layer_type(case.step.layer)
        yield FixCandidate(case.fix("replace", ""), f"take the {name} out")
    if case.fault.code == "not-scores":
        if shape[0] == wanted:
            yield _at_the_end(case, "gap")
        yield _at_the_end(case, f"fc {wanted}")
        yield _at_the_end(case, f"gap | fc {wanted}")
        return
    if case.fault.code != "not-plain":
        for fix in _width(case):
            label = f"{fix.field} {wanted}"
            was = str(getattr(layers[fix.layer - 1], fix.field))
            yield FixCandidate(fix, label, was=was)
    between = "relu | " if isinstance(layers[-1], FC | Conv) else ""
    yield _at_the_end(case, f"{between}fc {wanted}")


def _at_the_end(case: Case, text: str) -> FixCandidate:
    fix = Fix(len(case.network.layers), "after", text, "")
    return FixCandidate(fix, f"add {' and '.join(text.split(' | '))} at the end")


def _try(case: Case, candidate: FixCandidate) -> Iterator[_Tried]:
    """Yield the fix with its effect, if it helps."""
    network = apply_fix(case.network, candidate.fix)
    steps = infer_layers(network.layers, FeatureMap(network.input))
    facts = case.facts if network.data == case.network.data else facts_for(network)
    faults = [fault for _, fault in score_faults(steps, facts)]
    before = Counter(fault.code for _, fault in score_faults(case.steps, case.facts))
    left = Counter(fault.code for fault in faults)
    if case.fault.code != "input" and left[case.fault.code] >= before[case.fault.code]:
        return
    renumbered = len(network.layers) != len(case.network.layers)
    broken = first_broken(steps, case.steps, renumbered)
    if broken and case.fault.code == "input":
        effect = broken
    elif faults:
        effect = f"then {faults[0].text}"
    else:
        effect = _success(case, facts, steps)
    fix = msgspec.structs.replace(candidate.fix, description=f"{candidate.words}: {effect}")
    yield _Tried(fix, len(faults) + sum(step.broken for step in steps))


def _success(case: Case, facts: DataFacts | None, steps: Sequence[InferredLayer]) -> str:
    shape = steps[-1].after.shape
    if shape is None:
        return "one score for each class"
    layers_fit = "all layers fit, " if case.fault.code == "input" else ""
    of_data = f" of {facts.name}" if facts and facts.name else ""
    return f"{layers_fit}{shape[0]} scores, one for each class{of_data}"
