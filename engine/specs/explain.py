"""How a layer's output, parameters and receptive field come about, with the numbers plugged in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.flow import InferredLayer, Note, Place, Topic, dims
from cnn_tui.engine.specs.infer import rule_of
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import step_at
from cnn_tui.engine.specs.report import LayerReport, Report

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
    yield Note("size", (f"{dims(before or ())} in, {dims(after) if after else '?'} out",))
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
