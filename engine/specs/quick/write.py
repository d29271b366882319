"""Writes layers as quick entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.inside import lists_in
from cnn_tui.engine.specs.layers import Layer, pair, single
from cnn_tui.engine.specs.quick.vocabulary import settings_of
from cnn_tui.engine.specs.values import fields_of

_SQUARES = ("kernel_size", "output_size")


def to_quick(layers: Sequence[Layer]) -> str:
    """Return the line that parses as ``layers``; pairs of equal sizes become one number."""
    return " | ".join(" ".join(_words(layer)) for layer in layers)


def _words(layer: Layer) -> Iterator[str]:
    yield layer.info.words[0]
    yield from _placed(layer)
    for layers in lists_in(layer):
        yield f"{{ {to_quick(layers)} }}" if layers else "{ }"
    yield from _named(layer)
    yield from _flagged(layer)
    if layer.name:
        yield f"as {layer.name}"


def _placed(layer: Layer) -> Iterator[str]:
    """The positional fields up to the kernel, also if they are the default."""
    for field in layer.info.places:
        if field != "stride":
            value = getattr(layer, field)
            # One number would do, but kernels are usually written as 3x3.
            yield format_shape(pair(value)) if field in _SQUARES else _written(value)


def _written(value: object) -> str:
    value = single(value)
    return format_shape(value) if isinstance(value, tuple) else str(value)


def _named(layer: Layer) -> Iterator[str]:
    settled = {"name", *layer.info.places} - {"stride"}
    for setting in settings_of(type(layer)):
        value = single(getattr(layer, setting.field))
        is_default = value == fields_of(type(layer))[setting.field].default
        if setting.field in settled or is_default:
            continue
        if isinstance(value, int | tuple):
            size = format_shape(value) if isinstance(value, tuple) else value
            yield f"{setting.short}{size}"
        elif isinstance(value, float):
            yield f"{setting.words[0]} {value!r}"


def _flagged(layer: Layer) -> Iterator[str]:
    for flag in layer.info.flags:
        value = getattr(layer, flag.field)
        if value == flag.value and value != fields_of(type(layer))[flag.field].default:
            yield "pad same" if value == "same" else flag.words[0]
