"""Training that begins with the weights of a run, for the same classes or for others."""

from __future__ import annotations

from itertools import zip_longest

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer_layers
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.param_shapes import ParamShapes, param_shapes
from cnn_tui.engine.specs.places import replace_at
from cnn_tui.engine.specs.scores import WIDTHS, decider
from cnn_tui.engine.transforms.carry import Weights, fresh_weights


def with_new_head(network: Network, classes: int) -> Network:
    """Return the network with a last layer for another number of classes.

    Raises:
        ShapeError: if no layer of the network alone decides the number of scores.
    """
    position = decider(infer_layers(network.layers, FeatureMap(network.input)))
    if position is None:
        raise ShapeError(
            f"{network.name} has no last fc or conv layer to replace: it ends in a block.",
            "Add a layer with one score per class first.",
        )
    layer = network.layers[position]
    changed = msgspec.structs.replace(layer, **{WIDTHS[type(layer)]: classes})
    layers = replace_at(network.layers, (position,), [changed])
    return msgspec.structs.replace(network, layers=layers)


def starting_weights(
    network: Network, origin: Network, weights: Weights, *, new_head: bool = False
) -> Weights:
    """Return weights of ``origin`` for ``network``, whose layers have the same shapes in order.

    Args:
        network: the network to be trained.
        origin: the network of the weights.
        weights: parameters and buffers by the names of ``origin``, in PyTorch's shapes.
        new_head: the last layer with weights may differ; its weights are then drawn from the seed
            of the recipe.

    Raises:
        ShapeError: if a layer differs; names the first.
    """
    own, theirs = (param_shapes(one, check(one)) for one in (network, origin))
    body = len(own) - new_head
    for mine, other in zip_longest(own[:body], theirs[: len(theirs) - new_head]):
        if mine is None or other is None or mine.sizes != other.sizes:
            raise _differs(mine, other)
    names = {other.name: mine.name for mine, other in zip(own[:body], theirs, strict=False)}
    split = ((*name.rpartition("."), array) for name, array in weights.items())
    kept = {f"{names[layer]}.{kind}": array for layer, _, kind, array in split if layer in names}
    return {**(fresh_weights(network) if new_head else {}), **kept}


def _differs(mine: ParamShapes | None, other: ParamShapes | None) -> ShapeError:
    if mine is None:
        text = f"the network has no layer for {other.name if other else ''}"
    elif other is None:
        text = f"the run has no layer for {mine.name}"
    else:
        text = f"{mine.name} has {_sizes(mine)}, {other.name} of the run {_sizes(other)}"
    return ShapeError(
        f"the weights do not fit: {text}.",
        "Another last layer is allowed with --new-head; all others must be equal.",
    )


def _sizes(layer: ParamShapes) -> str:
    sizes = layer.sizes
    return f"{sizes.weights:,} weights and {sizes.biases:,} biases"
