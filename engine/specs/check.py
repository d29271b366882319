"""Checks a network: output, counts and faults of each layer, with fixes that work.

``check`` never raises on a user's mistake, and reports all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnn_tui.engine.specs.batches import lone_faults
from cnn_tui.engine.specs.flow import Diagnostic, Edit, FeatureMap, Found, InferredLayer
from cnn_tui.engine.specs.freezing import freeze_faults
from cnn_tui.engine.specs.infer import bad_value, infer_layers
from cnn_tui.engine.specs.inside import Place
from cnn_tui.engine.specs.known_data import DataFacts, facts_for
from cnn_tui.engine.specs.layers import Repeat
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Fix, Issue, LayerReport, Report
from cnn_tui.engine.specs.scores import input_faults, score_faults
from cnn_tui.engine.specs.table import report_layers
from cnn_tui.engine.specs.values import structure_problems, value_problems

__all__ = ["Fix", "Issue", "LayerReport", "Report", "check", "check_with_data"]


def check_with_data(network: Network, edits: Sequence[Edit] = ()) -> Report:
    """Check a network also against what is known of the data that it names.

    Args:
        network: as for :func:`check`.
        edits: as for :func:`check`.
    """
    return check(network, data=facts_for(network), edits=edits)


def check(
    network: Network,
    classes: int | None = None,
    *,
    data: DataFacts | None = None,
    edits: Sequence[Edit] = (),
) -> Report:
    """Infer every layer and collect every fault.

    Args:
        network: the description; it may be invalid in any way.
        classes: number of classes in the data; None accepts any number of scores.
        data: shape and classes of the data, in place of ``classes``. With either, the layers must
            end in plain scores.
        edits: the latest edits, the newest first. Taking one back is offered before other fixes.
    """
    if wrong := [bad_value(problem) for problem in structure_problems(network)]:
        return _unread(network, wrong)
    facts = data if data is not None or classes is None else DataFacts(classes=classes)
    found = _find(network, facts)

    def find(changed: Network) -> Found:
        is_same = (changed.data, changed.classes) == (network.data, network.classes)
        return _find(changed, facts if is_same else facts_for(changed))

    issues: tuple[Issue, ...] = ()
    if found.faults:
        # Imported late: a network without faults needs none of the fixes.
        from cnn_tui.engine.specs.issues import issues_of

        issues = issues_of(network, found, facts, edits, find)
    return Report(
        name=network.name,
        valid=not issues,
        input=network.input,
        layers=found.reports,
        total_params=sum(layer.params for layer in found.reports),
        total_macs=sum(layer.macs for layer in found.reports),
        issues=issues,
    )


def _unread(network: Network, faults: Iterable[Diagnostic]) -> Report:
    """The report of a network whose layers cannot even be listed."""
    issues = [
        Issue(0, fault.code, f"network: {fault.text}. {fault.remedy}".rstrip(), (), fault.field)
        for fault in faults
    ]
    return Report(network.name, False, network.input, (), 0, 0, tuple(issues))


def _find(network: Network, facts: DataFacts | None) -> Found:
    """Every layer of a network and its faults, in their order."""
    values = [bad_value(problem) for problem in value_problems(network)]
    is_input_bad = any(fault.field.startswith("input") for fault in values)
    steps = infer_layers(network.layers, FeatureMap(None if is_input_bad else network.input))
    reports, duplicates = report_layers(steps)
    faults: list[tuple[Place, Diagnostic]] = [((), fault) for fault in values]
    if facts is not None and not is_input_bad:
        faults += input_faults(network, facts)
    faults += [*_faults(steps), *duplicates, *score_faults(steps, facts)]
    if isinstance(network.training.freeze, str):
        faults += freeze_faults(network, reports)
    faults += lone_faults(steps, network.training.batch_size)
    faults.sort(key=lambda fault: fault[0])
    return Found(steps, reports, faults)


def _faults(
    steps: Iterable[InferredLayer], above: Place = ()
) -> Iterator[tuple[Place, Diagnostic]]:
    for position, step in enumerate(steps):
        place = (*above, position)
        yield from ((place, fault) for fault in step.faults)
        if isinstance(step.layer, Repeat):
            yield from _faults_of_copies(step, step.layer.times, place)
        else:
            for number, inner in enumerate(step.inner):
                yield from _faults(inner, (*place, number))


def _faults_of_copies(
    step: InferredLayer, times: int, place: Place
) -> Iterator[tuple[Place, Diagnostic]]:
    """The faults of the first copy that has any: a change of the layers changes all copies."""
    for copy, inner in enumerate(step.inner, 1):
        faults = list(_faults(inner, (*place, 0)))
        if faults:
            where = f" (in copy {copy} of {times})" if copy > 1 else ""
            yield from ((at, fault._replace(text=fault.text + where)) for at, fault in faults)
            return
