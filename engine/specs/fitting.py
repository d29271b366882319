"""Fits the input and the last layer of a network to other data."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer_layers
from cnn_tui.engine.specs.known_data import DataFacts
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.scores import WIDTHS, decider


def fit_to_data(network: Network, facts: DataFacts) -> Network:
    """Return the network with the data's input shape and, if its last layer can, one score a class.

    What is not known of the data stays as it is, as does an input that suits it. Layers that do
    not fit the new input are left to the person, as is a network that ends in a hidden layer.
    """
    keeps = facts.shape is None or facts.suits(network.input)
    changed = network if keeps else msgspec.structs.replace(network, input=facts.shape)
    position = decider(infer_layers(changed.layers, FeatureMap(changed.input)))
    if facts.classes is None or position is None or not _is_plain_end(changed, position):
        return changed
    layer = changed.layers[position]
    wide = msgspec.structs.replace(layer, **{WIDTHS[type(layer)]: facts.classes})
    if wide == layer:
        return changed
    layers = (*changed.layers[:position], wide, *changed.layers[position + 1 :])
    return msgspec.structs.replace(changed, layers=layers)


def _is_plain_end(network: Network, position: int) -> bool:
    """Whether the layer at ``position`` gives the scores: pools may follow it."""
    behind = network.layers[position + 1 :]
    is_scores = isinstance(network.layers[position], FC | Conv)
    return is_scores and not any(layer.info.is_elementwise for layer in behind[-1:])
