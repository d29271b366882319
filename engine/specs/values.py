"""Finds every invalid value of a description, with its path.

msgspec stops at the first error and reports types; this module reads the same annotations and
reports which setting, what was expected and what was received.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from cnn_tui.engine.specs.inside import LIST_FIELDS
from cnn_tui.engine.specs.known_data import facts_of
from cnn_tui.engine.specs.layers import LAYER_TYPES, MAX_BRANCHES, Layer, Parallel, Residual
from cnn_tui.engine.specs.network import LOSS_TYPES, SVM, Network, Recipe, Softmax
from cnn_tui.engine.specs.wording import did_you_mean, expected, listed, nearest, show

_LAYERS = tuple[Layer, ...]
_REFUSALS = (msgspec.ValidationError, TypeError, ValueError, OverflowError)


class Problem(NamedTuple):
    """An invalid value; ``path`` is like ``layers[3].kernel_size``, counted from 0."""

    path: str
    text: str
    remedy: str


def network_problems(data: object) -> Iterator[Problem]:
    """Yield every invalid value of a decoded file: tables, lists and plain values."""
    yield from table_problems(data, Network)


def table_problems(data: object, kind: type[msgspec.Struct]) -> Iterator[Problem]:
    """Yield every invalid value of a decoded table that is to be read as ``kind``."""
    yield from _table(data, kind, "")


def structure_problems(network: Network) -> Iterator[Problem]:
    """Yield what stands for a list of layers, a layer, loss or recipe in a network made in code.

    Nothing can be inferred of such a network, whose types a file cannot have.
    """
    if not isinstance(network.training, Recipe):
        yield Problem("training", f"expected a Recipe, received {show(network.training)}", "")
    if not isinstance(network.loss, Softmax | SVM):
        yield Problem("loss", f"expected Softmax() or SVM(), received {show(network.loss)}", "")
    pending: list[tuple[str, object]] = [("layers", network.layers)]
    while pending:
        path, layers = pending.pop()
        if not isinstance(layers, list | tuple):
            remedy = "Put it into brackets." if isinstance(layers, Layer) else ""
            yield Problem(path, f"expected a list of layers, received {show(layers)}", remedy)
            continue
        for number, layer in enumerate(layers):
            at = f"{path}[{number}]"
            if isinstance(layer, Layer):
                pending += _lists_of(layer, at)
            else:
                yield Problem(at, f"expected a layer, received {show(layer)}", "")


def _lists_of(layer: Layer, path: str) -> Iterator[tuple[str, object]]:
    for name in (name for name in layer.__struct_fields__ if name in LIST_FIELDS):
        value, at = getattr(layer, name), f"{path}.{name}"
        if name == "branches" and isinstance(value, list | tuple):
            yield from ((f"{at}[{number}]", branch) for number, branch in enumerate(value))
        elif name != "shortcut" or not isinstance(value, str):
            yield at, value


def value_problems(described: Layer | Network) -> Iterator[Problem]:
    """Yield every invalid value of a description made in code, inner layers excluded."""
    shell = _without_layers(described)
    problems = [] if _is_readable(shell) else list(_table(shell, type(shell), ""))
    yield from problems
    if isinstance(described, Network) and not problems:
        yield from _class_problems(described)
        yield from _blanking(described)


def _is_readable(shell: Layer | Network) -> bool:
    """Whether a file can have every value; False for some that are merely of another type."""
    try:
        # What has no counterpart in a file, such as bytes, becomes another value on the way.
        return bool(msgspec.convert(msgspec.to_builtins(shell), type(shell)) == shell)
    except _REFUSALS:
        return False


def _class_problems(network: Network) -> Iterator[Problem]:
    """Lists of classes that no data can have."""
    names = network.classes
    known = facts_of(network.data)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        yield Problem("classes", f"{show(twice[0])} is listed twice", "Name each class once.")
    elif len(names) == 1:
        yield Problem("classes", "expected at least two names, received one", "Add another class.")
    elif names and known.classes not in (None, len(names)):
        text = f"expected the {known.classes} classes of {known.words}, received {len(names)}"
        yield Problem("classes", text, "Take the list out, or choose other data.")


def _blanking(network: Network) -> Iterator[Problem]:
    """Augmentation that leaves nothing of an image."""
    _, height, width = network.input
    recipe, size = network.training, f"images of {height}x{width}"
    if recipe.shift >= min(height, width):
        text = f"expected less than the shorter side of {size}, received {recipe.shift}"
        yield Problem("training.shift", text, "Nothing would be left of some images.")
    if recipe.cutout >= 2 * max(height, width):
        text = f"expected less than twice the longer side of {size}, received {recipe.cutout}"
        yield Problem("training.cutout", text, "Nothing would be left of any image.")


def _without_layers(described: Layer | Network) -> Layer | Network:
    if isinstance(described, Network):
        return msgspec.structs.replace(described, layers=())
    if isinstance(described, Parallel) and isinstance(described.branches, tuple):
        empty = tuple(() for _ in described.branches)
        return msgspec.structs.replace(described, branches=empty)
    inside = [name for name in described.__struct_fields__ if name in LIST_FIELDS]
    lists = {name: () for name in inside if not isinstance(getattr(described, name), str)}
    return msgspec.structs.replace(described, **lists) if lists else described


def _raw(struct: msgspec.Struct) -> dict[str, object]:
    data = {name: getattr(struct, name) for name in struct.__struct_fields__}
    tag = struct.__struct_config__.tag
    return data if tag is None else {"type": tag, **data}


def _table(data: object, kind: type[msgspec.Struct], path: str) -> Iterator[Problem]:
    if isinstance(data, msgspec.Struct):
        data = _raw(data)
    if not isinstance(data, dict):
        yield Problem(path, f"expected a table of settings, received {show(data)}", "")
        return
    fields = fields_of(kind)
    tagged = kind.__struct_config__.tag is not None
    for key in data:
        if key not in fields and not (tagged and key == "type"):
            yield _unknown_key(key, fields, path)
    for name, field in fields.items():
        if name in data:
            yield from _value(data[name], field.type, _join(path, name))
        elif field.required:
            yield Problem(_join(path, name), "missing", f"Give {expected(field.type)}.")


@cache
def fields_of(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """Return the fields of a description by name; cached, since msgspec takes long."""
    return {field.name: field for field in msgspec.structs.fields(kind)}


_OTHER_NAMES = {
    "learning_rate": "lr",
    "filters": "out_channels",
    "channels": "out_channels",
    "units": "out_features",
    "rate": "p",
    "strides": "stride",
}
"""Settings as Keras and others call them."""
_FOLLOWS = "It follows from the layer before, or from the input: take it out."
_NOT_OURS = {
    **dict.fromkeys(("in_channels", "in_features", "input_shape", "num_features"), _FOLLOWS),
    "activation": "An activation is a layer of its own: put it behind this one.",
}
"""What becomes of settings that other programs have."""


def _unknown_key(key: object, fields: dict[str, Any], path: str) -> Problem:
    known = f"Known settings: {listed(fields, 'and')}."
    other = _OTHER_NAMES.get(str(key))
    if other in fields:
        remedy = f"Did you mean {other}?"
    elif "training" in fields and (other or key) in fields_of(Recipe):
        remedy = f"It belongs to [training], as {other or key}."
    else:
        remedy = _NOT_OURS.get(str(key)) or did_you_mean(key, fields, known)
    name = key if isinstance(key, str) and key.isidentifier() and key.isascii() else show(key)
    return Problem(_join(path, name[:64]), "unknown setting", remedy)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _value(value: object, annotation: Any, path: str) -> Iterator[Problem]:
    if annotation == _LAYERS or (annotation == _shortcut() and not isinstance(value, str)):
        yield from _layers(value, path)
    elif annotation == _branches():
        yield from _lists(value, path)
    elif annotation == Softmax | SVM:
        yield from _tagged(value, LOSS_TYPES, path)
    elif annotation is Recipe:
        yield from _table(value, Recipe, path)
    else:
        yield from _leaf(value, annotation, path)


def _shortcut() -> object:
    return fields_of(Residual)["shortcut"].type


def _branches() -> object:
    return fields_of(Parallel)["branches"].type


def _lists(value: object, path: str) -> Iterator[Problem]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_BRANCHES:
        received = f"{len(value)}" if isinstance(value, list | tuple) else show(value)
        text = f"expected 1 to {MAX_BRANCHES} lists of layers, received {received}"
        yield Problem(path, text, "An empty list passes its input on.")
        return
    for index, layers in enumerate(value):
        yield from _layers(layers, f"{path}[{index}]")


def _layers(value: object, path: str) -> Iterator[Problem]:
    if not isinstance(value, list | tuple):
        yield Problem(path, f"expected a list of layers, received {show(value)}", _FORM)
        return
    for index, layer in enumerate(value):
        yield from _tagged(layer, LAYER_TYPES, f"{path}[{index}]")


_FORM = 'Write each layer as { type = "conv", out_channels = 16 }.'
_OF_THE_LOSS = ("softmax", "log_softmax", "logsoftmax")


def _tagged(value: object, kinds: dict[str, Any], path: str) -> Iterator[Problem]:
    if isinstance(value, msgspec.Struct):
        value = _raw(value)
    if not isinstance(value, dict):
        meant = value if isinstance(value, str) and value in kinds else next(iter(kinds))
        form = _FORM if kinds is LAYER_TYPES else f'Write {{ type = "{meant}" }}.'
        yield Problem(path, f"expected a table with a type, received {show(value)}", form)
        return
    name = value.get("type")
    if isinstance(name, str) and name in kinds:
        yield from _table(value, kinds[name], path)
        return
    # Other names of layers, such as dense, are those of quick entry.
    near = [tag for tag, kind in LAYER_TYPES.items() if name in kind.info.words and tag in kinds]
    near = near or nearest(name, kinds)
    remedy = f"Did you mean {near[0]!r}?" if near else f"Known types: {listed(kinds, 'and')}."
    if name in _OF_THE_LOSS:
        remedy = "The loss computes it: take the layer out."
    text = f"unknown type {show(name)}" if "type" in value else "missing"
    yield Problem(f"{path}.type", text, remedy)


_NO_ORDER = "A set has no order; give a list."


def _leaf(value: object, annotation: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, set | frozenset):
        yield Problem(path, f"expected {expected(annotation)}, received {show(value)}", _NO_ORDER)
        return
    if not _takes(value, annotation):
        yield from _refused(value, annotation, path)


def _takes(value: object, annotation: Any, *, strict: bool = True) -> bool:
    try:
        msgspec.convert(value, annotation, strict=strict)
    except _REFUSALS:
        return False
    return True


def _refused(value: object, annotation: Any, path: str) -> Iterator[Problem]:
    items = get_args(annotation) if get_origin(annotation) is tuple else ()
    if items[1:] == (...,) and isinstance(value, list | tuple):
        items = items[:1] * len(value)
    if isinstance(value, list | tuple) and 0 < len(value) == len(items):
        for index, (item, kind) in enumerate(zip(value, items, strict=True)):
            yield from _leaf(item, kind, f"{path}[{index}]")
        return
    near = nearest(value, _choices(annotation))
    remedy = f"Did you mean {near[0]!r}?" if near else ""
    if isinstance(value, str) and _takes(value, annotation, strict=False):
        remedy = "Write it without quotes."
    elif isinstance(value, str) and value == "valid" and "same" in _choices(annotation):
        remedy = "Did you mean 0?"
    yield Problem(path, f"expected {expected(annotation)}, received {show(value)}", remedy)


def _choices(annotation: Any) -> Iterator[str]:
    for choice in get_args(annotation):
        if get_origin(annotation) is Literal:
            yield str(choice)
        elif get_origin(choice) is Literal:
            yield from _choices(choice)
