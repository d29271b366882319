"""Faults between a network and its data: the input, and scores that are not one for each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.flow import Diagnostic, InferredLayer
from cnn_tui.engine.specs.inside import BLOCKS, Place
from cnn_tui.engine.specs.known_data import DataFacts
from cnn_tui.engine.specs.layers import FC, Conv, layer_type
from cnn_tui.engine.specs.network import Network

DATA_CODES = frozenset({"input", "not-scores", "one-class", "classes", "not-plain"})
"""The faults that concern the whole network, not one layer."""

WIDTHS: dict[type, str] = {FC: "out_features", Conv: "out_channels"}
"""The setting that is the number of scores."""


def input_faults(network: Network, facts: DataFacts) -> Iterator[tuple[Place, Diagnostic]]:
    """Yield the fault of an input that the images of the data do not have."""
    received, wanted = network.input, facts.shape
    if wanted is None or received == wanted:
        return
    sizes = format_shape(received), format_shape(wanted)
    text = f"the input is {sizes[0]}, but the images of {facts.words} are {sizes[1]}"
    if received == (*wanted[1:], wanted[0]):
        text = f"the input {sizes[0]} is height x width x channels; channels come first: {sizes[1]}"
    remedy = "Pictures of a folder are brought to the size of the input."
    yield (), Diagnostic("input", text, "input", remedy, wanted=list(wanted))


def score_faults(
    steps: Sequence[InferredLayer], facts: DataFacts | None
) -> Iterator[tuple[Place, Diagnostic]]:
    """Yield the faults of the network's output, at the layer that sets the number of scores.

    Args:
        steps: the layers of the network.
        facts: the data; None accepts any number of scores, in any range.
    """
    classes = facts.classes if facts else None
    if not steps:
        text, remedy = "it has no layers", f"Add some; {_ending(classes)}"
        yield (), Diagnostic("no-layers", text, "layers", remedy)
        return
    position = decider(steps)
    shape = steps[-1].after.shape
    if shape is not None and shape[1:] not in ((), (1, 1)):
        text = f"the network ends in a volume of {format_shape(shape)}, not in one score per class"
        remedy = f"Add layers: {_ending(classes)}"
        yield (len(steps) - 1,), Diagnostic("not-scores", text, remedy=remedy)
    elif (scores := _scores(steps, position)) is not None:
        place = len(steps) - 1 if position is None else position
        yield from (((place,), fault) for fault in _miscount(steps[place], scores, facts))
        if facts is not None and position is not None:
            yield from _not_plain(steps, position)


def _ending(classes: int | None) -> str:
    return f"the last must give one score per class, such as fc with {classes or 10} outputs."


def decider(steps: Sequence[InferredLayer]) -> int | None:
    """Position of the layer whose width is the number of scores."""
    for position in reversed(range(len(steps))):
        if isinstance(steps[position].layer, FC | Conv):
            return position
        if isinstance(steps[position].layer, BLOCKS):
            return None
    return None


def _not_plain(steps: Sequence[InferredLayer], after: int) -> Iterator[tuple[Place, Diagnostic]]:
    """Layers at the end that bend or drop the scores."""
    for position in range(len(steps) - 1, after, -1):
        layer = steps[position].layer
        if not layer.info.is_elementwise:
            return
        name = layer_type(layer)
        bounds = layer.info.bounds
        effect = "it bends the scores before they reach the loss"
        if layer.info.family == "norm":
            effect = "it scales the scores before they reach the loss"
        elif not layer.info.is_activation:
            effect = "it drops scores before they reach the loss"
        elif bounds is not None and bounds[0] == 0:
            effect = "no score that reaches the loss can be negative"
        ending = name if name == "dropout" else f"a {name}"
        text = f"the network ends in {ending}: {effect}"
        yield (position,), Diagnostic("not-plain", text, remedy="The loss needs plain scores.")


def _scores(steps: Sequence[InferredLayer], position: int | None) -> int | None:
    if steps[-1].after.shape is not None:
        return steps[-1].after.shape[0]
    # After a fault the number of scores of an fc layer is still known.
    layer = None if position is None else steps[position].layer
    return layer.out_features if isinstance(layer, FC) else None


def _miscount(step: InferredLayer, scores: int, facts: DataFacts | None) -> Iterator[Diagnostic]:
    field = WIDTHS.get(type(step.layer), "")
    remedy = "Let the last layers give one score per class."
    classes = facts.classes if facts else None
    if scores < 2:
        text = "the network gives a single score; classification needs at least two"
        yield Diagnostic("one-class", text, field, remedy)
    elif facts and classes is not None and scores != classes:
        text = f"the network gives {scores} scores, but {facts.words} has {classes} classes"
        yield Diagnostic("classes", text, field, remedy)
