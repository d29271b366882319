"""Applies a fix to a network."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from cnn_tui.engine.specs.inside import list_fields, lists_in, with_lists
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Fix


def apply_fix(network: Network, fix: Fix) -> Network:
    """Return the network with a fix applied, including the changes that it depends on.

    Raises:
        IndexError: if the fix belongs to another network.
        SpecError: if the layers to be inserted are not valid quick entry.
    """
    for change in (fix, *fix.also):
        if change.layer == 0:
            network = _with_setting(network, change.field, change.value)
        else:
            layers = changed_layers(network.layers, change.layer - 1, change.field, change.value)
            network = msgspec.structs.replace(network, layers=layers)
    return network


def _with_setting(network: Network, field: str, value: object) -> Network:
    """The network with a setting of its own, or of its recipe, changed."""
    if field.startswith("training."):
        return network.with_training(**{field.removeprefix("training."): value})
    value = tuple(value) if isinstance(value, list) else value
    return msgspec.structs.replace(network, **{field: value})


def changed_layers(
    layers: Sequence[Layer], index: int, field: str, value: object
) -> tuple[Layer, ...]:
    """Return the layers with one change of a fix applied, to the one at ``index``."""
    changed: tuple[Layer, ...]
    if field in ("replace", "after"):
        # Imported late: most changes are of a number, and the first paint waits for none.
        from cnn_tui.engine.specs.quick.parse import parse_quick

        kept = layers[index : index + 1] if field == "after" else ()
        changed = (*kept, *parse_quick(str(value)))
    else:
        changed = (_set(layers[index], field, value),)
    return (*layers[:index], *changed, *layers[index + 1 :])


_INSIDE = re.compile(r"(branch|shortcut|layers|branches\[\d+\])\[(\d+)\]\.(.+)")


def _set(layer: Layer, field: str, value: object) -> Layer:
    inside = _INSIDE.fullmatch(field)
    if inside:
        lists = list(lists_in(layer))
        at = list_fields(layer).index(inside[1])
        lists[at] = changed_layers(lists[at], int(inside[2]), inside[3], value)
        return with_lists(layer, lists)
    value = tuple(value) if isinstance(value, list) else value
    return msgspec.structs.replace(layer, **{field: value})
