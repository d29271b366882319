"""The settings of a layer while quick entry is being read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.info import Flag
from cnn_tui.engine.specs.inside import Layers, fields_of_lists
from cnn_tui.engine.specs.layers import Conv, Layer
from cnn_tui.engine.specs.quick.vocabulary import by_word, layer_words, shown_word, split_glued
from cnn_tui.engine.specs.tokens import Token
from cnn_tui.engine.specs.values import fields_of
from cnn_tui.engine.specs.wording import expected, nearest, show

_NUMBER = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(e[+-]?[0-9]{1,4})?")
_SIZE = re.compile(r"([0-9]{1,18})[x×]([0-9]{1,18})")
_SIDES = re.compile(r"[0-9]{1,18}(?:[x×][0-9]{1,18}){3}")
_OF_VGG = re.compile(r"([0-9]{1,4})-([0-9]{1,9})")
"""A kernel and a number of filters, as papers write ``conv3-64``."""
_SIZES = {"kernel_size", "stride", "padding", "dilation", "output_size"}
_LABELS = {
    "out_channels": "the number of filters",
    "out_features": "the number of outputs",
    "branch": "the branch in braces",
    "branches": "the branches, each in braces",
    "layers": "the layers in braces",
    "p": "the probability",
}


class Draft:
    """The settings of the layer being read; ``token`` is its name."""

    def __init__(self, kind: type[Layer], token: Token) -> None:
        self.kind, self._token = kind, token
        self._values: dict[str, Any] = {}
        self._lists: list[Layers] = []

    def add_list(self, layers: Layers, brace: Token) -> None:
        """Add the next list of layers inside a block; an error points at its brace."""
        lists = [*self._lists, layers]
        fields = fields_of_lists(self.kind, lists)
        if fields is None:
            text = f"{self.kind.info.words[0]} takes no further layers in braces."
            raise brace.error(text, such_as(self.kind))
        if "shortcut" in self._values and "shortcut" in fields:
            raise brace.error("The shortcut is given twice.", "Leave one out.")
        self._lists = lists

    def set(self, field: str, value: object, token: Token) -> None:
        """Set a field; an error about a second value points at ``token``."""
        if field in self._values:
            raise token.error(f"{_sentence(field)} is given twice.", "Leave one out.")
        self._values[field] = value

    def set_value(self, field: str, value: Token, token: Token) -> None:
        """Set a field to the value of a word."""
        self.set(field, _value(field, self.kind, value), token)

    def place(self, value: Token) -> None:
        """Set the first free positional field that accepts the value."""
        is_pair = _SIZE.fullmatch(value.text.lower()) is not None
        for field in self.kind.info.places:
            if field not in self._values and (field in _SIZES or not is_pair):
                return self.set_value(field, value, value)
        raise value.error(
            f"{self.kind.info.words[0]} takes no further value: {show(value.text)}.",
            such_as(self.kind),
        )

    def set_glued(self, token: Token) -> None:
        """Set a field by a word such as ``s2``."""
        word, value = split_glued(token)
        setting = by_word(self.kind).get(word.text.lower())
        if setting is None or isinstance(setting, Flag):
            raise _unknown(token, self.kind)
        self.set_value(setting.field, value, token)

    def complete(self) -> list[Layer]:
        """Return the layer as far as it has been read, if nothing is missing."""
        try:
            return [self.layer()] if self._values or self._lists else []
        except EntryError:
            return []

    def layer(self) -> Layer:
        """Return the complete layer."""
        values = {**(fields_of_lists(self.kind, self._lists) or {}), **self._values}
        for name, field in fields_of(self.kind).items():
            if field.required and name not in values:
                needs = f"{self.kind.info.words[0]} needs {_label(name)}."
                raise self._token.error(needs, such_as(self.kind))
        return self.kind(**values)


def _value(field: str, kind: type[Layer], token: Token) -> object:
    annotation = fields_of(kind)[field].type
    for reading in _readings(token.text):
        try:
            value: object = msgspec.convert(reading, annotation)
        except msgspec.ValidationError:
            continue
        return value
    wanted = f"Expected {expected(annotation).replace('[height, width]', 'such as 5x3')}."
    if kind is Conv and (vgg := _OF_VGG.fullmatch(token.text)):
        wanted = f"Write conv {vgg[2]} {vgg[1]}x{vgg[1]}."
    raise token.error(f"{_sentence(field)} cannot be {show(token.text)}.", wanted)


def _readings(text: str) -> Iterator[object]:
    if size := _SIZE.fullmatch(text.lower()):
        height, width = int(size[1]), int(size[2])
        yield height if height == width else (height, width)
    if _SIDES.fullmatch(text.lower()):
        yield tuple(int(size) for size in re.split("[x×]", text.lower()))
    if _NUMBER.fullmatch(text):
        yield int(text)
    if _DECIMAL.fullmatch(text.lower()):
        yield float(text)
    yield text
    yield text.lower()


def _label(field: str) -> str:
    return _LABELS.get(field, field.replace("_", " "))


def _sentence(field: str) -> str:
    label = _label(field)
    return label[0].upper() + label[1:]


def such_as(kind: type[Layer]) -> str:
    """Return a hint with an example of the layer."""
    return f"Example: {kind.info.example or kind.info.words[0]}."


def _unknown(token: Token, kind: type[Layer]) -> EntryError:
    near = nearest(token.text, [*by_word(kind), *layer_words()])
    hint = f"Did you mean {shown_word(near[0])}?" if near else such_as(kind)
    return token.error(f"{kind.info.words[0]} has no setting {show(token.text)}.", hint)
