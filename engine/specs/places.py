"""Finds, replaces and explains the layer at a place, also inside residual blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.shapes import Shape, format_shape
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer, Note, Topic
from cnn_tui.engine.specs.infer import infer_layers, rule_of
from cnn_tui.engine.specs.layers import Layer, Place, Residual, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport, Report


def label(place: Place, layer: Layer) -> str:
    """Return a label such as ``layer 4.2 (conv)``: the second layer in the branch of the fourth."""
    return f"layer {'.'.join(str(position + 1) for position in place)} ({layer_type(layer)})"


def step_at(network: Network, place: Place) -> InferredLayer:
    """Return the layer at a place with its input and output.

    Raises:
        IndexError: if there is no such layer.
    """
    layer = layer_at(network, place)
    steps = infer_layers(network.layers[: place[0] + 1], FeatureMap(network.input))
    for position in place[:-1]:
        steps = steps[position].branch
        if not steps:  # a block with an invalid setting is not inferred inside
            return InferredLayer(layer, FeatureMap(None), FeatureMap(None))
    return steps[place[-1]]


def layer_at(network: Network, place: Place) -> Layer:
    """Return the layer at a place; raises ``IndexError`` if there is none."""
    layers: Sequence[Layer] = network.layers
    for position in place[:-1]:
        block = layers[position]
        layers = block.branch if isinstance(block, Residual) else ()
    return layers[place[-1]]


def replace_at(
    layers: Sequence[Layer], place: Place, substitutes: Sequence[Layer]
) -> tuple[Layer, ...]:
    """Return the layers with ``substitutes`` in the place of one."""
    position, *inner = place
    old = layers[position]
    if inner and isinstance(old, Residual):
        branch = replace_at(old.branch, tuple(inner), substitutes)
        substitutes = (msgspec.structs.replace(old, branch=branch),)
    return (*layers[:position], *substitutes, *layers[position + 1 :])


def known_shapes(network: Network, place: Place) -> tuple[Shape, Shape]:
    """Return the input and output shapes of a layer.

    Raises:
        ShapeError: if a fault leaves one unknown.
    """
    step = step_at(network, place)
    if step.before.shape is None or step.after.shape is None:
        what = label(place, step.layer)
        raise ShapeError(f"{what} or a layer before it does not fit.", "Fix that first.")
    return step.before.shape, step.after.shape


_OPEN = ("The input of this layer is unknown:", "a layer before it does not fit.")


def explain(network: Network, place: Place) -> tuple[Note, ...]:
    """Explain the size, parameters and receptive field of a layer, the most important first.

    Raises:
        IndexError: if there is no such layer.
    """
    step = step_at(network, place)
    if step.before.shape is None:
        return (Note("size", _OPEN),)
    own = rule_of(step.layer).explain(step.layer, step)
    notes = {note.topic: note for note in (*_general(step), *own)}
    return tuple(notes[topic] for topic in get_args(Topic) if topic in notes)


def _general(step: InferredLayer) -> Iterator[Note]:
    """The notes about a layer of any kind."""
    before, after = step.before.shape, step.after.shape
    yield Note(
        "size", (f"{format_shape(before or ())} in, {format_shape(after) if after else '?'} out",)
    )
    if after is not None:
        yield Note("parameters", ("no parameters",))
    if step.macs:
        yield Note("cost", (f"{step.macs:,} multiply-adds",))


def received_by(network: Network, report: Report, place: Place) -> Shape | None:
    """Return the input shape of a layer, or the shape at the end of a list; None if unknown."""
    shape: Shape | None = network.input
    layers: Sequence[LayerReport] = report.layers
    for depth, position in enumerate(place):
        if depth:
            layers = layers[place[depth - 1]].branch
        if position:
            output = layers[position - 1].output
            shape = None if output is None else tuple(output)
    return shape
