"""Layers by their place in a network, those inside residual blocks included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.shapes import Shape, format_shape
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer, Note, Topic
from cnn_tui.engine.specs.infer import rule_of, walk
from cnn_tui.engine.specs.layers import Layer, Place, Residual, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport, Report


def label(place: Place, layer: Layer) -> str:
    """A layer as people call it: ``layer 4.2 (conv)`` is the second in the fourth's branch."""
    return f"layer {'.'.join(str(position + 1) for position in place)} ({layer_type(layer)})"


def step_at(network: Network, place: Place) -> InferredLayer:
    """The layer at a place, between the volumes before and after it.

    Raises:
        IndexError: where there is none.
    """
    layer = layer_at(network, place)
    steps = walk(network.layers[: place[0] + 1], FeatureMap(network.input))
    for position in place[:-1]:
        steps = steps[position].branch
        if not steps:  # a block with an impossible setting is not looked into
            return InferredLayer(layer, FeatureMap(None), FeatureMap(None))
    return steps[place[-1]]


def layer_at(network: Network, place: Place) -> Layer:
    """The layer at a place; raises ``IndexError`` where there is none."""
    layers: Sequence[Layer] = network.layers
    for position in place[:-1]:
        block = layers[position]
        layers = block.branch if isinstance(block, Residual) else ()
    return layers[place[-1]]


def replace_at(
    layers: Sequence[Layer], place: Place, substitutes: Sequence[Layer]
) -> tuple[Layer, ...]:
    """The layers with others in the place of one."""
    at, *inner = place
    old = layers[at]
    if inner and isinstance(old, Residual):
        branch = replace_at(old.branch, tuple(inner), substitutes)
        substitutes = (msgspec.structs.replace(old, branch=branch),)
    return (*layers[:at], *substitutes, *layers[at + 1 :])


def known_shapes(network: Network, place: Place) -> tuple[Shape, Shape]:
    """The volumes before and after a layer.

    Raises:
        ShapeError: where an issue leaves them open.
    """
    step = step_at(network, place)
    if step.before.shape is None or step.after.shape is None:
        what = label(place, step.layer)
        raise ShapeError(f"{what} does not fit yet, or one before it.", "Mend that first.")
    return step.before.shape, step.after.shape


_OPEN = ("What reaches this layer is open:", "a layer before it does not fit.")


def explain(network: Network, place: Place) -> tuple[Note, ...]:
    """What there is to say about a layer, the most important first.

    Raises:
        IndexError: where there is no layer.
    """
    step = step_at(network, place)
    if step.before.shape is None:
        return (Note("size", _OPEN),)
    own = rule_of(step.layer).explain(step.layer, step)
    notes = {note.topic: note for note in (*_general(step), *own)}
    return tuple(notes[topic] for topic in get_args(Topic) if topic in notes)


def _general(step: InferredLayer) -> Iterator[Note]:
    """What can be said of any layer."""
    before, after = step.before.shape, step.after.shape
    yield Note(
        "size", (f"{format_shape(before or ())} in, {format_shape(after) if after else '?'} out",)
    )
    if after is not None:
        yield Note("parameters", ("no parameters",))
    if step.macs:
        yield Note("cost", (f"{step.macs:,} multiply-adds",))


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
