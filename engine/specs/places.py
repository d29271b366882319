"""Layers by their place in a network, those inside residual blocks included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer, Place
from cnn_tui.engine.specs.infer import walk
from cnn_tui.engine.specs.layers import Layer, Residual, layer_type
from cnn_tui.engine.specs.network import Network


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


def all_layers(layers: Sequence[Layer], above: Place = ()) -> Iterator[tuple[Place, Layer]]:
    """Every layer with its place, in the order in which a network computes them."""
    for position, layer in enumerate(layers):
        place = (*above, position)
        if isinstance(layer, Residual):
            yield from all_layers(layer.branch, place)
        yield place, layer


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
