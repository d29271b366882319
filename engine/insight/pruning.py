"""A network smaller by some filters, with the weights that compute the same as without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.readers import readers_of
from cnn_tui.engine.insight.resizing import with_filters
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network

Filters = Mapping[str, Sequence[int]]
"""Filters, counted from 0, by the name of their conv layer."""


def require_filters(network: Network, removed: Filters) -> None:
    """Refuse filters that are not there, or all of a layer.

    Raises:
        InsightError: names the layer and the filter.
    """
    convs = wired(network)
    for name, numbers in removed.items():
        filters = convs[name].layer.out_channels
        for number in numbers:
            if not 0 <= number < filters:
                raise InsightError(
                    f"{name} has no filter {number}: it has {filters}, counted from 0."
                )
        if len(set(numbers)) >= filters:
            raise InsightError(
                f"All {filters} filters of {name} cannot be taken out: nothing would be left."
            )


def masked(network: Network, weights: Mapping[str, Array], removed: Filters) -> dict[str, Array]:
    """Weights with which the maps of some filters are zero, after bias and activation.

    Where a sum or a learned layer comes before any activation, the map before it is zero.
    """
    changed = dict(weights)
    convs = wired(network)
    for name, numbers in removed.items():
        conv, chosen = convs[name], list(numbers)
        arrays = {f"{name}.weight": 0.0, f"{name}.bias": 0.0}
        for norm in conv.norms:
            arrays |= {f"{norm}.weight": 0.0, f"{norm}.bias": 0.0}
        last = f"{conv.norms[-1] if conv.norms else name}.bias"
        arrays[last] = _silencing(conv.activation, last in weights)
        for array, value in arrays.items():
            if array in weights:
                changed[array] = changed[array].copy()
                changed[array][chosen] = value
    return changed


_SATURATING = -1e4


def _silencing(activation: Layer | None, has_bias: bool) -> float:
    """The input at which an activation is zero: 0 for all but those bounded by 0 from below."""
    bounds = activation.info.bounds if activation is not None else None
    if activation is None or not activation.info.saturates or bounds is None or bounds[0] != 0:
        return 0.0
    if not has_bias:
        raise InsightError(
            f"A filter before {activation.info.words[0]} without a bias cannot be silenced."
        )
    return _SATURATING


def pruned(
    network: Network, weights: Mapping[str, Array], removed: Filters
) -> tuple[Network, dict[str, Array]]:
    """The network without some filters, and its weights: equal to the masked one to rounding.

    Removed are the filters, their biases and batch norm entries, and the inputs of the layers that
    read their maps.

    Raises:
        InsightError: if a layer cannot become narrower; says why.
    """
    require_filters(network, removed)
    kept = dict(weights)
    for name, numbers in removed.items():
        if not numbers:
            continue
        readers = readers_of(network, name)
        for array in _own_arrays(network, name, kept):
            kept[array] = np.delete(kept[array], list(numbers), axis=0)
        for reader in readers:
            columns = [n * reader.inputs + i for n in numbers for i in range(reader.inputs)]
            array = f"{reader.name}.weight"
            kept[array] = np.delete(kept[array], columns, axis=1)
        filters = wired(network)[name].layer.out_channels - len(set(numbers))
        network = with_filters(network, name, filters)
    return network, kept


def _own_arrays(network: Network, name: str, weights: Mapping[str, Array]) -> list[str]:
    conv = wired(network)[name]
    layers = dict.fromkeys((name, *conv.norms, conv.response))
    kinds = ("weight", "bias", "running_mean", "running_var")
    arrays = [f"{layer}.{kind}" for layer in layers for kind in kinds]
    # The slope of a PReLU may serve all channels.
    return [a for a in arrays if a in weights and len(weights[a]) == conv.layer.out_channels]
