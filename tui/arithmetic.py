"""How a layer's output and its parameters come about, with the numbers plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnn_tui.engine.shapes import Shape, Window, decimal, exact_size, formula
from cnn_tui.engine.specs.layers import FC, AvgPool, BatchNorm, Conv, Layer, MaxPool, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport, Report
from cnn_tui.engine.specs.windows import windows
from cnn_tui.tui.edits import Path
from cnn_tui.tui.words import times

RULE = "(W - F + 2P)/S + 1"


def explain(layer: Layer, received: Shape | None, report: LayerReport) -> list[str]:
    """Lines about one layer: sizes by the rule of the notes, then what is learned.

    Args:
        layer: The layer.
        received: The volume that reaches it; None where an issue before it leaves that open.
        report: What :func:`check` says about it.
    """
    if received is None:
        return ["What reaches this layer is open:", "a layer before it does not fit."]
    return [*_sizes(layer, received, report), *_learned(layer, received, report)]


def wanted_output(layer: Layer, received: Shape | None) -> tuple[str, ...]:
    """Height and width that a window would give if places could be split; empty for others."""
    if not isinstance(layer, Conv | MaxPool | AvgPool) or received is None or len(received) != 3:
        return ()
    try:
        pairs = zip(received[1:], windows(layer), strict=True)
    except ValueError:
        return ()
    return tuple(decimal(exact_size(size, window)) for size, window in pairs)


def received_by(network: Network, report: Report, path: Path) -> Shape | None:
    """The volume that reaches ``path``, a layer or the end of a list; None if not known."""
    shape: Shape | None = network.input
    layers: Sequence[LayerReport] = report.layers
    for depth, position in enumerate(path):
        if depth:
            layers = layers[path[depth - 1]].branch
        if position:
            output = layers[position - 1].output
            shape = None if output is None else tuple(output)
    return shape


def _sizes(layer: Layer, received: Shape, report: LayerReport) -> list[str]:
    if isinstance(layer, Conv | MaxPool | AvgPool) and len(received) == 3:
        try:
            height, width = windows(layer)
        except ValueError:
            return []
        return _window_lines(received[1:], height, width)
    output = "?" if report.output is None else times(report.output)
    return [f"{times(received)} in, {output} out"]


def _window_lines(size: Shape, height: Window, width: Window) -> list[str]:
    if (size[0], height) == (size[1], width):
        return [RULE, formula(size[0], height)]
    return [f"height {formula(size[0], height)}", f"width  {formula(size[1], width)}"]


def _learned(layer: Layer, received: Shape, report: LayerReport) -> list[str]:
    match layer:
        case Conv() if report.params:
            depth = received[0] // layer.groups
            kernel = times([depth, *_kernel(layer)])
            heading = f"{layer.out_channels} filters of {kernel}"
        case FC() if report.params:
            heading = f"{layer.out_features} neurons x {prod(received):,} inputs"
        case BatchNorm() if report.params:
            heading = "a scale and a shift per channel"
        case Residual():
            heading = f"branch + {layer.shortcut} shortcut"
        case _:
            return ["no parameters"] if report.output else []
    return [heading, *_counts(report)]


def _kernel(layer: Conv) -> tuple[int, int]:
    height, width = windows(layer)
    return height.kernel, width.kernel


def _counts(report: LayerReport) -> list[str]:
    if not report.params:
        return ["no parameters"]
    biases = f" + {report.biases:,} biases" if report.biases else ""
    total = [f"{report.params:,} parameters"] if report.biases else []
    return [f"{report.weights:,} weights{biases}", *total]
