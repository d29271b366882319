"""A layer as far as quick entry has described it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.info import Flag
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.quick.vocabulary import by_word, layer_words, split_glued
from cnn_tui.engine.specs.tokens import Token
from cnn_tui.engine.specs.values import fields_of
from cnn_tui.engine.specs.wording import expected, nearest, show

_NUMBER = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(e[+-]?[0-9]{1,4})?")
_SIZE = re.compile(r"([0-9]{1,18})[x×]([0-9]{1,18})")
_SIZES = {"kernel_size", "stride", "padding", "dilation"}
_LABELS = {
    "out_channels": "the number of filters",
    "out_features": "the number of outputs",
    "branch": "the branch in braces",
    "p": "the probability",
}


class Draft:
    """Collects the settings of one layer; ``token`` is the word that began it."""

    def __init__(self, kind: type[Layer], token: Token) -> None:
        self.kind, self._token = kind, token
        self._values: dict[str, Any] = {}

    def set(self, field: str, value: object, token: Token) -> None:
        """Give a field its value; ``token`` is where a second one would be wrong."""
        if field in self._values:
            raise token.error(f"{_sentence(field)} is given twice.", "Leave one out.")
        self._values[field] = value

    def set_value(self, field: str, value: Token, token: Token) -> None:
        """Give a field the value that a word stands for."""
        self.set(field, _value(field, self.kind, value), token)

    def place(self, value: Token) -> None:
        """Put a value without a word into the first free place that takes its kind."""
        is_pair = _SIZE.fullmatch(value.text.lower()) is not None
        for field in self.kind.info.places:
            if field not in self._values and (field in _SIZES or not is_pair):
                return self.set_value(field, value, value)
        raise value.error(
            f"{self.kind.info.words[0]} does not know what {show(value.text)} is for.",
            such_as(self.kind),
        )

    def set_glued(self, token: Token) -> None:
        """Take a word such as ``s2``."""
        word, value = split_glued(token)
        setting = by_word(self.kind).get(word.text.lower())
        if setting is None or isinstance(setting, Flag):
            raise _unknown(token, self.kind)
        self.set_value(setting.field, value, token)

    def layer(self) -> Layer:
        """The layer, complete."""
        for name, field in fields_of(self.kind).items():
            if field.required and name not in self._values:
                needs = f"{self.kind.info.words[0]} needs {_label(name)}."
                raise self._token.error(needs, such_as(self.kind))
        return self.kind(**self._values)


def _value(field: str, kind: type[Layer], token: Token) -> object:
    annotation = fields_of(kind)[field].type
    for reading in _readings(token.text):
        try:
            value: object = msgspec.convert(reading, annotation)
        except msgspec.ValidationError:
            continue
        return value
    wanted = expected(annotation).replace("[height, width]", "such as 5x3")
    raise token.error(f"{_sentence(field)} cannot be {show(token.text)}.", f"It is {wanted}.")


def _readings(text: str) -> Iterator[object]:
    if size := _SIZE.fullmatch(text.lower()):
        height, width = int(size[1]), int(size[2])
        yield height if height == width else (height, width)
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
    """A hint how a layer is written."""
    return f"Write it such as {kind.info.example or kind.info.words[0]}."


def _unknown(token: Token, kind: type[Layer]) -> EntryError:
    near = nearest(token.text, [*by_word(kind), *layer_words()])
    hint = f"Did you mean {near[0]}?" if near else such_as(kind)
    return token.error(f"{kind.info.words[0]} has no setting {show(token.text)}.", hint)
