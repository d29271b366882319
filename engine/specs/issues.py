"""What is reported of each fault: where it is, and the fixes that work."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count

from cnn_tui.engine.specs.cases import Case
from cnn_tui.engine.specs.doctor import find_fixes, first_fix
from cnn_tui.engine.specs.flow import Edit, Found
from cnn_tui.engine.specs.inside import list_letter
from cnn_tui.engine.specs.known_data import DataFacts
from cnn_tui.engine.specs.layers import Layer, Parallel, Residual, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Issue
from cnn_tui.engine.specs.taking_back import Undoing, undoings
from cnn_tui.engine.specs.wording import listed

_MOST_RANKED = 8
"""Faults whose fixes are ranked, which is slow; with more, each gets one quick suggestion."""
_MOST_INFERRED = 2_000
"""Layers times faults up to which fixes are ranked."""
_MOST_NAMED = 3


def issues_of(
    network: Network,
    found: Found,
    facts: DataFacts | None,
    edits: Sequence[Edit],
    find: Callable[[Network], Found],
) -> tuple[Issue, ...]:
    """Return an issue for each fault of a network.

    Args:
        network: The network with the faults.
        found: Its layers and faults.
        facts: What is known of its data.
        edits: The latest edits, the newest first; to take one back is offered before other fixes.
        find: Finds the layers and faults of a changed network.
    """
    few = min(_MOST_RANKED, _MOST_INFERRED // max(1, sum(step.size for step in found.steps)))
    undone = undoings(network, found, edits, find)
    return tuple(
        _issue(Case(network, found.steps, place, fault, facts), number < few, undone)
        for number, (place, fault) in enumerate(found.faults)
    )


def _issue(case: Case, is_one_of_few: bool, undone: Sequence[Undoing]) -> Issue:
    back = [undoing.fix for undoing in undone if undoing.helps(case.place, case.fault.code)]
    fixes = find_fixes(case, back) if is_one_of_few else (*back, *first_fix(case))
    labels = [re.split(":| instead of ", fix.description)[0] for fix in fixes[:_MOST_NAMED]]
    advice = f"Try: {listed(labels)}." if labels else case.fault.remedy
    return Issue(
        layer=case.place[0] + 1 if case.place else 0,
        code=case.fault.code,
        message=f"{_where(case)}: {case.fault.text}. {advice}".rstrip(),
        fixes=fixes,
        path=_path(case),
    )


def _where(case: Case) -> str:
    if not case.place:
        return "network"
    top, *inner = case.chain
    names = [f"layer {case.place[0] + 1} ({layer_type(top.layer)})"]
    for outer, step, level in zip(case.chain, inner, count(1, 2), strict=False):
        at, position = case.place[level : level + 2]
        names.append(f"{_list_name(outer.layer, at)}{position + 1} ({layer_type(step.layer)})")
    return ", ".join(names)


def _list_name(block: Layer, at: int) -> str:
    match block:
        case Parallel():
            return f"branch {list_letter(at)}, layer "
        case Residual():
            return "shortcut " if at else "branch "
    return "its layer "


def _path(case: Case) -> str:
    if not case.place:
        return case.fault.field
    path = f"layers[{case.place[0]}].{case.inside}{case.fault.field}"
    return path.removesuffix(".")
