"""Checks a network: output, counts and faults of each layer, with fixes that work.

``check`` never raises on a user's mistake, and reports all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.doctor import find_fixes, first_fix
from cnn_tui.engine.specs.flow import Case, Diagnostic, FeatureMap, InferredLayer
from cnn_tui.engine.specs.infer import bad_value, infer_layers
from cnn_tui.engine.specs.layers import FC, Conv, Place, Residual, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Fix, Issue, LayerReport, Report
from cnn_tui.engine.specs.table import report_layers
from cnn_tui.engine.specs.values import value_problems
from cnn_tui.engine.specs.wording import listed

__all__ = ["Fix", "Issue", "LayerReport", "Report", "check"]

_MOST_RANKED = 8
"""With more faults each gets one quick suggestion: ranking fixes is slow."""
_MOST_INFERRED = 2_000
"""Layers times faults up to which fixes are ranked."""
_MOST_NAMED = 3


def check(network: Network, classes: int | None = None) -> Report:
    """Infer every layer and collect every fault.

    Args:
        network: the description; it may be invalid in any way.
        classes: number of classes in the data; None accepts any number of scores.
    """
    values = [bad_value(problem) for problem in value_problems(network)]
    is_input_bad = any(fault.field.startswith("input") for fault in values)
    steps = infer_layers(network.layers, FeatureMap(None if is_input_bad else network.input))
    reports, duplicates = report_layers(steps)
    faults: list[tuple[Place, Diagnostic]] = [((), fault) for fault in values]
    faults += [*_faults(steps), *duplicates, *_output_faults(steps, classes)]
    faults.sort(key=lambda fault: fault[0])
    few = min(_MOST_RANKED, _MOST_INFERRED // max(1, _size(steps)))
    issues = tuple(
        _issue(Case(network, steps, place, fault), count < few)
        for count, (place, fault) in enumerate(faults)
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
    """Number of layers, those inside residual blocks included."""
    return sum(1 + _size(step.branch) for step in steps)


def _issue(case: Case, is_one_of_few: bool) -> Issue:
    fixes = find_fixes(case) if is_one_of_few else first_fix(case)
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


def _output_faults(
    steps: Sequence[InferredLayer], classes: int | None
) -> Iterator[tuple[Place, Diagnostic]]:
    """Yield the faults of the network's output, at the layer that sets the number of scores."""
    if not steps:
        yield (
            (),
            Diagnostic("no-layers", "it has no layers", "layers", f"Add some; {_ending(classes)}"),
        )
        return
    shape = steps[-1].after.shape
    if shape is not None and shape[1:] not in ((), (1, 1)):
        text = f"the network ends in a volume of {format_shape(shape)}, not in one score per class"
        remedy, wanted = f"Add layers: {_ending(classes)}", f"fc {classes or 10}"
        yield (len(steps) - 1,), Diagnostic("not-scores", text, remedy=remedy, wanted=wanted)
        return
    position = _decider(steps)
    if (scores := _scores(steps, position)) is not None:
        place = len(steps) - 1 if position is None else position
        yield from (((place,), fault) for fault in _miscount(steps[place], scores, classes))


def _ending(classes: int | None) -> str:
    return f"the last must give one score per class, such as fc with {classes or 10} outputs."


def _decider(steps: Sequence[InferredLayer]) -> int | None:
    """Position of the layer whose width is the number of scores."""
    for position in reversed(range(len(steps))):
        if isinstance(steps[position].layer, FC | Conv):
            return position
        if isinstance(steps[position].layer, Residual):
            return None
    return None


def _scores(steps: Sequence[InferredLayer], position: int | None) -> int | None:
    if steps[-1].after.shape is not None:
        return steps[-1].after.shape[0]
    # After a fault the number of scores of an fc layer is still known.
    layer = None if position is None else steps[position].layer
    return layer.out_features if isinstance(layer, FC) else None


def _miscount(step: InferredLayer, scores: int, classes: int | None) -> Iterator[Diagnostic]:
    widths = {FC: "out_features", Conv: "out_channels"}
    field = widths.get(type(step.layer), "")
    remedy = "Let the last layers give one score per class."
    wanted = _wanted(field, 2 if classes is None else classes)
    if scores < 2:
        text = "the network gives a single score; classification needs at least two"
        yield Diagnostic("one-class", text, field, remedy, wanted)
    elif classes is not None and scores != classes:
        text = f"the network gives {scores} scores, but the data has {classes} classes"
        yield Diagnostic("classes", text, field, remedy, wanted)


def _wanted(field: str, count: int) -> int | str | None:
    if count < 2:
        return None
    return count if field else f"fc {count}"
