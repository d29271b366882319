"""Finds, replaces and explains the layer at a place, also inside blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import get_args

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.shapes import Shape, format_shape
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer, Note, Topic, batched_pairs
from cnn_tui.engine.specs.infer import infer_layers, rule_of
from cnn_tui.engine.specs.inside import Layers, Place, lists_in, number, with_lists
from cnn_tui.engine.specs.layers import Layer, Parallel, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport, Report


def label(place: Place, layer: Layer) -> str:
    """Return a label such as ``layer 4.2 (conv)``: the second layer in the branch of the fourth."""
    return f"layer {number(place)} ({layer_type(layer)})"


def step_at(network: Network, place: Place) -> InferredLayer:
    """Return the layer at a place with its input and output, of repeated ones the first copy.

    Raises:
        IndexError: if there is no such layer.
    """
    layer = layer_at(network, place)
    top = infer_layers(network.layers[: place[0] + 1], FeatureMap(network.input))[place[0]]
    # A block with an invalid setting is not inferred inside.
    return top.at(place[1:]) or InferredLayer(layer, FeatureMap(None), FeatureMap(None))


def layer_at(network: Network, place: Place) -> Layer:
    """Return the layer at a place; raises ``IndexError`` if there is none."""
    return list_at(network.layers, place)[place[-1]]


def list_at(layers: Layers, place: Place) -> Layers:
    """Return the list in which the last position of a place counts; raises ``IndexError``."""
    if len(place) % 2 == 0:
        raise IndexError(f"{place} is the place of a list of layers")
    for position, inner in batched_pairs(place[:-1]):
        layers = lists_in(layers[position])[inner]
    return layers


def replace_at(layers: Layers, place: Place, substitutes: Sequence[Layer]) -> Layers:
    """Return the layers with ``substitutes`` in the place of one."""
    at = place[-1]
    return edit_at(layers, place, lambda old: (*old[:at], *substitutes, *old[at + 1 :]))


def edit_at(layers: Layers, place: Place, change: Callable[[Layers], Layers]) -> Layers:
    """Return the layers with a change of the list in which the last position of a place counts."""
    if len(place) == 1:
        return change(layers)
    position, inner, *rest = place
    lists = list(lists_in(layers[position]))
    lists[inner] = edit_at(lists[inner], tuple(rest), change)
    changed = with_lists(layers[position], lists)
    return (*layers[:position], changed, *layers[position + 1 :])


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
    layers: Layers = network.layers
    reports: Sequence[LayerReport] = report.layers
    for level, position in enumerate(place):
        if level % 2:  # a list inside the layer before
            at = place[level - 1]
            block, inner = layers[at], reports[at].inner if at < len(reports) else ()
            if isinstance(block, Parallel) and block.split and shape:
                shape = (shape[0] // len(block.branches), *shape[1:])
            layers = lists_in(block)[position]
            reports = inner[position] if position < len(inner) else ()
        elif position:
            output = reports[position - 1].output if position <= len(reports) else None
            shape = None if output is None else tuple(output)
    return shape
