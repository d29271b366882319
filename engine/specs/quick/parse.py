"""Parses quick entry into layers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.info import Flag
from cnn_tui.engine.specs.inside import BLOCKS, Layers, fields_of_lists
from cnn_tui.engine.specs.layers import LAYER_TYPES, Conv, Layer
from cnn_tui.engine.specs.network import MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.quick.vocabulary import (
    TOKENS,
    by_word,
    kind_named,
    layer_words,
    split_glued,
)
from cnn_tui.engine.specs.tokens import Token, TokenReader, scan
from cnn_tui.engine.specs.values import fields_of
from cnn_tui.engine.specs.wording import expected, listed, nearest, show

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
    hint = f"Did you mean {_shown(near[0])}?" if near else such_as(kind)
    return token.error(f"{kind.info.words[0]} has no setting {show(token.text)}.", hint)


_ELSEWHERE = {
    "input": "Set the input in its own row.",
    "softmax": "Set the loss in its own row; the last layer gives plain scores.",
    "svm": "Set the loss in its own row; the last layer gives plain scores.",
}


def parse_quick(text: str) -> tuple[Layer, ...]:
    """Parse a line into layers; none for an empty line.

    Raises:
        EntryError: at the first word that cannot be parsed.
    """
    return _QuickReader(text).whole()


def parse_understood(text: str) -> tuple[tuple[Layer, ...], EntryError | None]:
    """Parse a line that may be unfinished or wrong: the layers before the error, and the error.

    The layer in which the error is counts if it is complete without the wrong word.
    """
    try:
        reader = _QuickReader(text)
    except EntryError as error:
        # A character without meaning; what it touches is not understood either.
        before = text[: error.column]
        layers, other = parse_understood(before)
        is_apart = other is not None or before[-1:] in ("", " ", ",", "|")
        return (layers if is_apart else layers[:-1]), error
    try:
        return reader.whole(), None
    except EntryError as error:
        return tuple(reader.understood), error


class _QuickReader(TokenReader):
    """Parses tokens into layers."""

    def __init__(self, text: str) -> None:
        super().__init__(scan(text, TOKENS))
        self._count = 0
        self.understood: list[Layer] = []
        """The layers outside of blocks that have been read so far."""

    def whole(self) -> tuple[Layer, ...]:
        layers = self._layers(0)
        if self._token.kind == "close":
            raise self._token.error("This } has no matching {.", "Delete it.")
        return layers

    def _layers(self, depth: int) -> tuple[Layer, ...]:
        layers = []
        while self._token.kind in ("word", "bar"):
            if self._token.kind == "bar" or _is_passed_over(self._token):
                self._next()
            else:
                layers.append(self._layer(depth))
                if depth == 0:
                    self.understood.append(layers[-1])
        if self._token.kind == "open":
            raise self._token.error(
                "Only residual, parallel and repeat have layers in braces.",
                "Write res { conv 16 pad same }.",
            )
        return tuple(layers)

    def _layer(self, depth: int) -> Layer:
        token = self._next()
        self._count += 1
        if self._count > MAX_LAYERS:
            raise token.error(f"There are more than {MAX_LAYERS} layers.", "Use fewer.")
        kind, glued = _kind(token)
        draft = Draft(kind, token)
        name = token.text[: len(token.text) - len(glued.text)].lower()
        for field, value in kind.info.aliases.get(name, {}).items():
            draft.set(field, value, token)
        try:
            self._settings(draft, glued, depth)
        except EntryError:
            if depth == 0:
                self.understood += draft.complete()
            raise
        return draft.layer()

    def _settings(self, draft: Draft, glued: Token, depth: int) -> None:
        if glued.text:
            draft.place(glued)
        while self._continues(draft.kind):
            if self._token.kind == "open":
                brace = self._token
                draft.add_list(self._inside(depth), brace)
            else:
                self._setting(draft)

    def _continues(self, kind: type[Layer]) -> bool:
        """Whether the next token still belongs to the layer."""
        if self._token.kind == "open":
            return kind in BLOCKS
        return self._token.kind == "word" and not _begins_layer(self._token, kind)

    def _inside(self, depth: int) -> tuple[Layer, ...]:
        brace = self._next()
        if depth >= MAX_NESTING:
            raise brace.error(f"Blocks are nested more than {MAX_NESTING} deep.")
        layers = self._layers(depth + 1)
        if self._token.kind != "close":
            raise brace.error("This { is never closed.", "Add } after its layers.")
        self._next()
        return layers

    def _setting(self, draft: Draft) -> None:
        token = self._next()
        setting = by_word(draft.kind).get(token.text.lower())
        if isinstance(setting, Flag):
            draft.set(setting.field, setting.value, token)
        elif setting is not None and self._token.kind == "word":
            draft.set_value(setting.field, self._next(), token)
        elif setting is not None:
            raise token.error(f"{token.text} needs a value.", such_as(draft.kind))
        elif token.text[0].isalpha():
            draft.set_glued(token)
        else:
            draft.place(token)


def _kind(token: Token) -> tuple[type[Layer], Token]:
    """The kind of layer that a word names, and the value attached to it, if any."""
    word, value = split_glued(token)
    if kind := kind_named(token.text):
        return kind, value._replace(text="")
    if kind := kind_named(word.text):
        return kind, value
    raise _no_layer(token)


def _begins_layer(token: Token, kind: type[Layer]) -> bool:
    words = {token.text.lower(), split_glued(token)[0].text.lower()}
    return _is_passed_over(token) or any(
        kind_named(word) and word not in by_word(kind) for word in words
    )


def _is_passed_over(token: Token) -> bool:
    """Whether a word says what happens anyway: an fc layer flattens its input itself."""
    return token.text.lower() == "flatten"


def _shown(word: str) -> str:
    """The name of a layer in place of a shorter one; other words as they are."""
    kind = kind_named(word)
    return kind.info.words[0] if kind else word


def _no_layer(token: Token) -> EntryError:
    word = token.text.lower()
    if word in _ELSEWHERE:
        return token.error(f"{word} is not a layer here.", _ELSEWHERE[word])
    near = nearest(word, layer_words())
    every = f"Layers are {listed(LAYER_TYPES, 'and')}."
    hint = f"Did you mean {_shown(near[0])}?" if near else every
    return token.error(f"There is no layer {show(token.text)}.", hint)
