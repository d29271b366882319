"""The form of each row of the list, and the effect of editing a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from cnn_tui.engine.specs.fitting import fit_to_data, with_data
from cnn_tui.engine.specs.inside import LIST_FIELDS, number
from cnn_tui.engine.specs.known_data import facts_for, facts_of
from cnn_tui.engine.specs.layers import Layer, Residual, layer_type
from cnn_tui.engine.specs.network import LOSS_TYPES, Loss, Network, Recipe
from cnn_tui.engine.specs.places import layer_at
from cnn_tui.engine.specs.unused import is_used
from cnn_tui.tui.building.edits import replace
from cnn_tui.tui.building.fields import Field, form_fields
from cnn_tui.tui.building.outline import Row

LOSS_TYPE = Field("type", Literal["softmax", "svm"])

_RECIPE_ORDER = ("epochs", "batch_size", "optimizer", "lr")


@dataclass(frozen=True)
class Form:
    """Fields with their present values; an equal ``key`` means the same row."""

    key: str
    title: str
    lines: tuple[tuple[Field, object], ...]


def form_for(network: Network, row: Row) -> Form:
    """Return the form of a row."""
    match row.kind:
        case "input":
            own = () if facts_of(network.data).name else ("classes", "labels_from")
            names = ("input", "data", *own, "name")
            known = {field.name: field for field in form_fields(Network)}
            return _form("input", "input", network, [known[name] for name in names])
        case "loss":
            fields = [LOSS_TYPE, *form_fields(type(network.loss))]
            return _form("loss", "loss", network.loss, fields)
        case "training":
            return _form("training", "recipe", network.training, _recipe(network.training))
        case "shortcut":
            sides = [
                field for field in form_fields(Residual) if field.name in ("shortcut", "stride")
            ]
            title = f"{number(row.path)} shortcut"
            return _form(row.key, title, layer_at(network, row.path), sides)
    layer = layer_at(network, row.block)
    return _form(row.key, f"{number(row.block)} {layer_type(layer)}", layer, _own(layer))


def _own(layer: Layer) -> list[Field]:
    """The fields of a layer without the layers inside it."""
    inside = {name for name in LIST_FIELDS if not isinstance(getattr(layer, name, ""), str)}
    return [field for field in form_fields(type(layer)) if field.name not in inside]


def with_value(network: Network, row: Row, name: str, value: Any) -> Network:
    """Return the network with a field of a row's form set to a valid value.

    Known data sets the input and the number of scores as well.
    """
    change = {name: value}
    match row.kind:
        case "input":
            if name == "data":
                return with_data(network, value)
            network = msgspec.structs.replace(network, **change)
            return fit_to_data(network, facts_for(network)) if name == "classes" else network
        case "loss":
            return msgspec.structs.replace(network, loss=_loss(network.loss, name, value))
        case "training":
            return network.with_training(**change)
    layer = msgspec.structs.replace(layer_at(network, row.block), **change)
    return replace(network, row.block, layer)


def _form(key: str, title: str, spec: Any, fields: list[Field]) -> Form:
    values = [layer_value(spec, field) for field in fields]
    return Form(key, title, tuple(zip(fields, values, strict=True)))


def layer_value(spec: Any, field: Field) -> object:
    """Return the value of a field; a loss stores its type in its class."""
    if field == LOSS_TYPE:
        return spec.__struct_config__.tag
    return getattr(spec, field.name)


def _loss(loss: Loss, name: str, value: Any) -> Loss:
    if name == LOSS_TYPE.name:
        return LOSS_TYPES[value]()
    return msgspec.structs.replace(loss, **{name: value})


def _recipe(training: Recipe) -> list[Field]:
    first = {name: place for place, name in enumerate(_RECIPE_ORDER)}
    fields = sorted(form_fields(Recipe), key=lambda field: first.get(field.name, len(first)))
    return [field for field in fields if is_used(training, field.name)]
