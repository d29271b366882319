"""The layout of an architecture file: one layer a line, most defaults left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import msgspec

from cnn_tui.engine.specs.layers import Layer, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.values import fields_of

_INDENT = "  "
_SIZES = {"kernel_size", "stride", "padding", "dilation"}
"""Written as one number where height and width are equal."""
_ALWAYS = {"input", "data", "kernel_size"}
"""Written even where they are the default: without them a reader could not follow the shapes."""
_OWN_PLACE = {"layers", "loss", "training", "branch"}


def toml_lines(network: Network) -> Iterator[str]:
    """The lines of a file that reads back as the same network."""
    yield from _settings(network)
    yield "layers = ["
    yield from _layers(network.layers, _INDENT)
    yield "]"
    if network.loss != Network().loss:
        yield from ("", "[loss]", *_settings(network.loss))
    if network.training != Network().training:
        yield from ("", "[training]", *_settings(network.training))


def _layers(layers: Iterable[Layer], indent: str) -> Iterator[str]:
    for layer in layers:
        settings = ", ".join(_settings(layer))
        if isinstance(layer, Residual):
            # A line may end inside an array, though not elsewhere in an inline table.
            yield f"{indent}{{ {settings}, branch = ["
            yield from _layers(layer.branch, indent + _INDENT)
            yield f"{indent}] }},"
        else:
            yield f"{indent}{{ {settings} }},"


def _settings(struct: msgspec.Struct) -> Iterator[str]:
    tag = struct.__struct_config__.tag
    if tag is not None:
        yield f"type = {_value(tag)}"
    fields = fields_of(type(struct))
    # The name leads, as a label would.
    for name in sorted(fields, key=lambda name: name != "name"):
        value = getattr(struct, name)
        if name in _SIZES:
            value = _compact(value)
        is_written = value != fields[name].default or name in _ALWAYS
        if is_written and name not in _OWN_PLACE:
            yield f"{name} = {_value(value)}"


def _compact(size: object) -> object:
    return size[0] if isinstance(size, tuple) and size[0] == size[1] else size


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # TOML's basic strings are JSON's, except that DEL is escaped, too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
