"""The layers of a report: one line of the table for each, with a name of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cnn_tui.engine.specs.flow import Diagnostic, InferredLayer, Place
from cnn_tui.engine.specs.layers import layer_type
from cnn_tui.engine.specs.limits import MAX_COUNT
from cnn_tui.engine.specs.naming import Namer, settings
from cnn_tui.engine.specs.report import LayerReport

MOST_KNOWN = 20_000
_known: dict[tuple[int, int, str], tuple[InferredLayer, LayerReport]] = {}
"""The step is held, so that its id stays its own."""


def report_layers(
    steps: Sequence[InferredLayer],
) -> tuple[tuple[LayerReport, ...], list[tuple[Place, Diagnostic]]]:
    """The table, and those layers whose own name another layer had already."""
    namer = Namer(step.layer for step in steps)
    reports = _reports(steps, "", namer)
    return reports, list(_duplicates(steps, reports))


def _reports(steps: Sequence[InferredLayer], prefix: str, namer: Namer) -> tuple[LayerReport, ...]:
    return tuple(_report(step, index, prefix, namer) for index, step in enumerate(steps, 1))


def _report(step: InferredLayer, index: int, prefix: str, namer: Namer) -> LayerReport:
    name = namer.name(step.layer, index, prefix)
    if step.branch or step.shortcut:
        return _reported(step, index, name, namer)
    # As steps are: an edit leaves most layers as they are.
    key = (id(step), index, name)
    known = _known.get(key)
    if known is None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        known = _known[key] = (step, _reported(step, index, name, namer))
    return known[1]


def _reported(step: InferredLayer, index: int, name: str, namer: Namer) -> LayerReport:
    shape = step.after.shape
    reach = max(step.after.height.size, step.after.width.size)
    return LayerReport(
        index=index,
        type=layer_type(step.layer),
        name=name,
        settings=""
        if any(one.code == "bad-value" for one in step.faults)
        else settings(step.layer),
        output=list(shape) if shape else None,
        weights=step.weights,
        biases=step.biases,
        params=step.weights + step.biases,
        macs=step.macs,
        # Strides multiply: a file can ask for fields that no JSON reader takes as a number.
        receptive_field=reach if shape and reach <= MAX_COUNT else None,
        activations=math.prod(shape) if shape else 0,
        branch=_reports(step.branch, f"{name}.", namer),
        shortcut=_reports(step.shortcut, f"{name}.shortcut.", namer),
    )


def _duplicates(
    steps: Sequence[InferredLayer], reports: Sequence[LayerReport], above: Place = ()
) -> Iterator[tuple[Place, Diagnostic]]:
    for position, (step, report) in enumerate(zip(steps, reports, strict=True)):
        place = (*above, position)
        if isinstance(step.layer.name, str) and step.layer.name not in ("", report.name):
            text = f"the name {step.layer.name!r} is already that of another layer"
            yield place, Diagnostic("duplicate-name", text, "name", wanted=report.name)
        yield from _duplicates(step.branch, report.branch, place)
