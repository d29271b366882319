"""Checks a network: per layer its output, its counts and its faults, with fixes that work.

``check`` never raises on a user's mistake, and goes on past the first one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cnn_tui.engine.specs.case import Case
from cnn_tui.engine.specs.doctor import cure, cure_briefly
from cnn_tui.engine.specs.flow import Diagnostic, FeatureMap, InferredLayer, Place
from cnn_tui.engine.specs.infer import bad_value, walk
from cnn_tui.engine.specs.layers import layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Fix, Issue, LayerReport, Report
from cnn_tui.engine.specs.scores import judge_scores
from cnn_tui.engine.specs.table import report_layers
from cnn_tui.engine.specs.values import value_problems
from cnn_tui.engine.specs.wording import listed

__all__ = ["Fix", "Issue", "LayerReport", "Report", "check"]

_MOST_CURED = 8
"""A network wrong in more places gets one suggestion for each: finding the best takes long."""
_MOST_WALKED = 2_000
"""The same goes where a network is so large that even eight take long."""
_MOST_NAMED = 3


def check(network: Network, classes: int | None = None) -> Report:
    """Infer every layer and collect every mistake.

    Args:
        network: may be wrong in any way; it is described as far as that goes.
        classes: how many the data has; None leaves the number of scores open.
    """
    values = [bad_value(problem) for problem in value_problems(network)]
    is_input_bad = any(fault.field.startswith("input") for fault in values)
    steps = walk(network.layers, FeatureMap(None if is_input_bad else network.input))
    reports, duplicates = report_layers(steps)
    found: list[tuple[Place, Diagnostic]] = [((), fault) for fault in values]
    found += [*_faults(steps), *duplicates, *judge_scores(steps, classes)]
    found.sort(key=lambda one: one[0])
    few = min(_MOST_CURED, _MOST_WALKED // max(1, _size(steps)))
    issues = tuple(
        _issue(Case(network, steps, place, fault), count < few)
        for count, (place, fault) in enumerate(found)
    )
    return Report(
        name=network.name,
        valid=not issues,
        input=network.input,
        layers=reports,
        total_params=sum(layer.params for layer in reports),
        total_macs=sum(layer.macs for layer in reports),
        issues=issues,
    )


def _faults(
    steps: Iterable[InferredLayer], above: Place = ()
) -> Iterator[tuple[Place, Diagnostic]]:
    for position, step in enumerate(steps):
        place = (*above, position)
        yield from ((place, fault) for fault in step.faults)
        yield from _faults(step.branch, place)


def _size(steps: Iterable[InferredLayer]) -> int:
    """Layers, those inside residual blocks included."""
    return sum(1 + _size(step.branch) for step in steps)


def _issue(case: Case, is_one_of_few: bool) -> Issue:
    fixes = cure(case) if is_one_of_few else cure_briefly(case)
    labels = [fix.description.partition(":")[0] for fix in fixes[:_MOST_NAMED]]
    advice = f"Try {listed(labels)}." if labels else case.fault.remedy
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
    names = [
        f"{'branch ' if depth else 'layer '}{position + 1} ({layer_type(step.layer)})"
        for depth, (position, step) in enumerate(zip(case.place, case.chain, strict=True))
    ]
    return ", ".join(names)


def _path(case: Case) -> str:
    lists = ["layers", *["branch"] * len(case.place)]
    steps = [f"{name}[{position}]" for name, position in zip(lists, case.place, strict=False)]
    return ".".join([*steps, *([case.fault.field] if case.fault.field else [])])
