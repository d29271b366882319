"""How a layer's output, parameters and receptive field come about, with the numbers plugged in.

CS231n notes, Convolutional Networks: "Conv Layer" (sizes, parameter sharing), "Pooling Layer".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Literal, NamedTuple

from cnn_tui.engine.shapes import Shape, Window, decimal, exact_size, fc_weights, formula
from cnn_tui.engine.specs.flow import Flow, Place, Step, dims
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import step_at
from cnn_tui.engine.specs.report import LayerReport, Report
from cnn_tui.engine.specs.windows import Windowed, windows

RULE = "(W - F + 2P)/S + 1"
"""The size of an output along one axis."""

Topic = Literal["size", "parameters", "sharing", "pooling", "field", "cost"]


class Note(NamedTuple):
    """A few short lines on one matter."""

    topic: Topic
    lines: tuple[str, ...]


def explain(network: Network, place: Place) -> tuple[Note, ...]:
    """What there is to say about a layer, the most important first.

    Raises:
        IndexError: where there is no layer.
    """
    step = step_at(network, place)
    notes = (
        Note("size", tuple(_size(step))),
        Note("parameters", tuple(_parameters(step))),
        Note("sharing", tuple(_sharing(step))),
        Note("pooling", tuple(_pooling(step))),
        Note("field", tuple(_field(step))),
        Note("cost", tuple(_cost(step))),
    )
    return tuple(note for note in notes if note.lines)


def wanted_output(layer: Layer, received: Shape | None) -> tuple[str, ...]:
    """Height and width that a window would give if places could be split; empty for others."""
    if not isinstance(layer, Windowed) or received is None or len(received) != 3:
        return ()
    try:
        pairs = zip(received[1:], windows(layer), strict=True)
    except ValueError:
        return ()
    return tuple(decimal(exact_size(size, window)) for size, window in pairs)


def received_by(network: Network, report: Report, place: Place) -> Shape | None:
    """The volume that reaches a layer, or the end of a list of layers; None if not known."""
    shape: Shape | None = network.input
    layers: Sequence[LayerReport] = report.layers
    for depth, position in enumerate(place):
        if depth:
            layers = layers[place[depth - 1]].branch
        if position:
            output = layers[position - 1].output
            shape = None if output is None else tuple(output)
    return shape


def _axes(step: Step) -> tuple[tuple[int, Window], tuple[int, Window]] | None:
    """Size of the input and the window along it, for height and for width."""
    shape = step.before.shape
    if not isinstance(step.layer, Windowed) or shape is None or len(shape) != 3:
        return None
    try:
        down, across = windows(step.layer)
    except ValueError:
        return None
    return (shape[1], down), (shape[2], across)


def _size(step: Step) -> Iterator[str]:
    before, after = step.before.shape, step.after.shape
    axes = _axes(step)
    if before is None:
        yield from ("What reaches this layer is open:", "a layer before it does not fit.")
    elif axes is not None and axes[0] == axes[1]:
        yield from (RULE, formula(*axes[0]))
    elif axes is not None:
        yield from (f"height {formula(*axes[0])}", f"width  {formula(*axes[1])}")
    elif isinstance(step.layer, FC) and len(before) == 3:
        yield f"{'*'.join(map(str, before))} = {prod(before):,} inputs"
    else:
        yield f"{dims(before)} in, {dims(after) if after else '?'} out"


def _parameters(step: Step) -> Iterator[str]:
    if step.before.shape is None:
        return
    match step.layer:
        case Conv() as conv if step.weights:
            height, width = windows(conv)
            depth = step.before.shape[0] // conv.groups
            yield f"{conv.out_channels} filters of {height.kernel}x{width.kernel}x{depth}"
            product = f"{height.kernel}*{width.kernel}*{depth}*{conv.out_channels}"
            yield from _counts(step, product)
        case FC() as fc if step.weights:
            inputs = prod(step.before.shape)
            yield f"{fc.out_features:,} neurons of {inputs:,} inputs"
            yield from _counts(step, f"{inputs}*{fc.out_features}")
        case BatchNorm() if step.weights:
            yield f"{step.weights:,} scales + {step.biases:,} shifts"
        case Residual() as block:
            yield f"branch + {block.shortcut} shortcut"
            params = step.weights + step.biases
            yield f"{params:,} parameters" if params else "no parameters"
        case _ if step.after.shape is not None:
            yield f"no parameters{_WHY_NONE.get(type(step.layer), '')}"


_WHY_NONE: dict[type[Layer], str] = {
    MaxPool: ": the largest value of each window passes as it is",
    AvgPool: ": the mean of each window",
    GlobalAvgPool: ": the mean of each channel",
    Dropout: ": what is dropped is drawn by lot",
}


def _counts(step: Step, product: str) -> Iterator[str]:
    yield f"{product} = {step.weights:,} weights"
    if step.biases:
        yield f"+ {step.biases:,} biases = {step.weights + step.biases:,}"


def _sharing(step: Step) -> Iterator[str]:
    """The same connections if no two places had a weight in common, and if all were connected."""
    if not isinstance(step.layer, Conv) or step.before.shape is None or step.after.shape is None:
        return
    _, height, width = step.after.shape
    neurons = prod(step.after.shape)
    biases = neurons if step.layer.bias else 0
    unshared = step.weights * height * width + biases
    connected = fc_weights(prod(step.before.shape), neurons) + biases
    yield f"shared by {height}*{width} = {height * width:,} places"
    yield f"not shared: {unshared:,}"
    yield f"as an fc layer: {connected:,}"


def _pooling(step: Step) -> Iterator[str]:
    """What a pool throws away."""
    before, after = step.before.shape, step.after.shape
    if not isinstance(step.layer, MaxPool) or before is None or after is None:
        return
    kept, of = prod(after[1:]), prod(before[1:])
    if kept < of:
        yield f"keeps {kept:,} of {of:,} values of each channel"
        yield f"drops {100 * (1 - kept / of):.3g}% of the activations"
    yield "gradients go to the largest alone"


def _field(step: Step) -> Iterator[str]:
    """The receptive field grown from that of the layer before."""
    after, axes = step.after, _axes(step)
    if after.shape is None:
        return
    if isinstance(step.layer, FC | GlobalAvgPool):
        yield f"field: all of it, {_longer(after)} pixels"
    elif isinstance(step.layer, Residual):
        yield f"field: {_longer(step.before)} grown to {_longer(after)} pixels"
    elif axes is not None:
        sides = ((step.before.height, axes[0][1]), (step.before.width, axes[1][1]))
        reach, window = max(sides, key=lambda side: side[0].through(side[1]).size)
        grown = reach.through(window)
        yield f"field: {reach.size} + ({window.span} - 1)*{reach.jump} = {grown.size} pixels"
        if window.stride > 1:
            yield f"step: {reach.jump}*{window.stride} = {grown.jump} pixels"


def _longer(flow: Flow) -> int:
    return max(flow.height.size, flow.width.size)


def _cost(step: Step) -> Iterator[str]:
    if step.macs and isinstance(step.layer, Conv) and step.after.shape is not None:
        _, height, width = step.after.shape
        yield f"{step.weights}*{height}*{width} = {step.macs:,} multiply-adds"
    elif step.macs:
        yield f"{step.macs:,} multiply-adds"
