"""The table of layers of a report: unique names, settings in short, counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.flow import Diagnostic, InferredLayer
from cnn_tui.engine.specs.inside import Place, list_letter, walk_layers
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    Conv,
    DWConv,
    Layer,
    MaxPool,
    Parallel,
    Repeat,
    Residual,
    layer_type,
    pair,
)
from cnn_tui.engine.specs.network import MAX_COUNT
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.windows import AnyConv, Windowed


class Namer:
    """Gives each layer a unique name: that of the user, or else type and number.

    Inside a block the name begins with that of the block: ``residual3.conv1``,
    ``residual3.shortcut.conv1``, ``parallel4.b.conv1``; that of a copy with its number:
    ``repeat5.2.conv1``, ``repeat5.2.first`` for the layer that the user calls ``first``.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        self._reserved = {_text(layer.name) for _, layer in walk_layers(layers)}
        self._used: set[str] = set()

    def name(self, layer: Layer, index: int, prefix: str, *, copied: bool) -> str:
        """Return an unused name; that of the user unless another layer has it already."""
        name = _text(layer.name)
        if name and copied:
            name = f"{prefix}{name}"
        if not name or name in self._used:
            name = self._free(f"{prefix}{layer.info.stem or layer_type(layer)}{index}")
        self._used.add(name)
        return name

    def _free(self, name: str) -> str:
        while name in self._used or name in self._reserved:
            name += "_"
        return name


def _text(name: object) -> str:
    return name if isinstance(name, str) else ""


def settings(layer: Layer) -> str:
    """Return the settings of a layer in a few characters: ``6  5x5 s1 p2``."""
    match layer:
        case Conv():
            return f"{layer.out_channels}  {_window(layer)}{_conv_extras(layer)}"
        case DWConv():
            times = f" x{layer.multiplier}" if layer.multiplier != 1 else ""
            return _window(layer) + times + _dilated(layer) + ("" if layer.bias else " no bias")
        case MaxPool() | AvgPool():
            return _window(layer)
        case FC():
            return str(layer.out_features) + ("" if layer.bias else " no bias")
        case Residual():
            kind = layer.shortcut if isinstance(layer.shortcut, str) else "own shortcut"
            return kind + (f" s{layer.stride}" if layer.stride != 1 else "")
        case Parallel():
            split = ", split" if layer.split else ""
            return f"{len(layer.branches)} branches, {layer.merge}{split}"
        case Repeat():
            return f"{layer.times} times"
    return layer.info.brief.format(layer)


def _window(layer: Windowed) -> str:
    height, width = pair(layer.kernel_size)
    stride = layer.kernel_size if layer.stride is None else layer.stride
    padding = " same" if layer.padding == "same" else f" p{_short(layer.padding)}"
    padding = (
        "" if isinstance(layer, MaxPool | AvgPool) and pair(layer.padding) == (0, 0) else padding
    )
    rounding = "" if layer.rounding == "exact" else f" {layer.rounding}"
    inside = " inside" if isinstance(layer, AvgPool) and not layer.count_include_pad else ""
    return f"{height}x{width} s{_short(stride)}{padding}{rounding}{inside}"


def _conv_extras(layer: Conv) -> str:
    dilation = _dilated(layer)
    groups = f" g{layer.groups}" if layer.groups != 1 else ""
    return f"{dilation}{groups}" + ("" if layer.bias else " no bias")


def _dilated(layer: AnyConv) -> str:
    return f" d{_short(layer.dilation)}" if pair(layer.dilation) != (1, 1) else ""


def _short(size: int | tuple[int, ...] | str) -> str:
    if isinstance(size, tuple):
        return str(size[0]) if size[0] == size[1] else format_shape(size)
    return str(size)


MOST_KNOWN = 20_000
_known: dict[tuple[int, int, str], tuple[InferredLayer, LayerReport]] = {}
"""Cached rows; each entry holds the inferred layer, so that its id is not reused."""


def report_layers(
    steps: Sequence[InferredLayer],
) -> tuple[tuple[LayerReport, ...], list[tuple[Place, Diagnostic]]]:
    """Return the table, and a diagnostic for each layer whose name is used already."""
    namer = Namer(step.layer for step in steps)
    reports = _reports(steps, "", namer, copied=False)
    return reports, list(_duplicates(steps, reports))


def _reports(
    steps: Sequence[InferredLayer], prefix: str, namer: Namer, *, copied: bool
) -> tuple[LayerReport, ...]:
    return tuple(
        _report(step, index, prefix, namer, copied=copied) for index, step in enumerate(steps, 1)
    )


def _report(
    step: InferredLayer, index: int, prefix: str, namer: Namer, *, copied: bool
) -> LayerReport:
    name = namer.name(step.layer, index, prefix, copied=copied)
    if step.inner:
        return _reported(step, index, name, _inner(step, name, namer, copied=copied))
    # Cached like inferred layers: an edit leaves most layers as they are.
    key = (id(step), index, name)
    known = _known.get(key)
    if known is None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        known = _known[key] = (step, _reported(step, index, name, []))
    return known[1]


Rows = list[tuple[LayerReport, ...]]


def _inner(step: InferredLayer, name: str, namer: Namer, *, copied: bool) -> Rows:
    copied = copied or isinstance(step.layer, Repeat)
    return [
        _reports(steps, f"{name}{prefix}.", namer, copied=copied)
        for steps, prefix in zip(step.inner, _prefixes(step.layer, len(step.inner)), strict=True)
    ]


def _reported(step: InferredLayer, index: int, name: str, inner: Rows) -> LayerReport:
    shape = step.after.shape
    branch, shortcut = (*inner, (), ())[:2] if isinstance(step.layer, Residual) else ((), ())
    reach = max(step.after.height.size, step.after.width.size)
    return LayerReport(
        index=index,
        type=layer_type(step.layer),
        name=name,
        settings=""
        if any(fault.code == "bad-value" for fault in step.faults)
        else settings(step.layer),
        output=list(shape) if shape else None,
        weights=step.weights,
        biases=step.biases,
        params=step.weights + step.biases,
        macs=step.macs,
        # Strides multiply: the field can exceed the integers of JSON readers.
        receptive_field=reach if shape and reach <= MAX_COUNT else None,
        activations=math.prod(shape) if shape else 0,
        branch=branch,
        shortcut=shortcut,
        branches=() if isinstance(step.layer, Residual) else tuple(inner),
    )


def _prefixes(block: Layer, count: int) -> list[str]:
    """The parts of the names of inner layers that follow the block's own name, a list each."""
    match block:
        case Parallel():
            return [f".{list_letter(number)}" for number in range(count)]
        case Repeat():
            return [f".{copy}" for copy in range(1, count + 1)]
    return ["", ".shortcut"][:count]


def _duplicates(
    steps: Sequence[InferredLayer], reports: Sequence[LayerReport], above: Place = ()
) -> Iterator[tuple[Place, Diagnostic]]:
    for position, (step, report) in enumerate(zip(steps, reports, strict=True)):
        place = (*above, position)
        if isinstance(step.layer.name, str) and step.layer.name not in ("", report.name):
            text = f"the name {step.layer.name!r} is already used by another layer"
            yield place, Diagnostic("duplicate-name", text, "name", wanted=report.name)
        if not isinstance(step.layer, Repeat):  # its copies cannot have the same name
            for number, (inner, rows) in enumerate(zip(step.inner, report.inner, strict=False)):
                yield from _duplicates(inner, rows, (*place, number))
