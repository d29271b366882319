"""Parses quick entry into layers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.info import Flag
from cnn_tui.engine.specs.inside import BLOCKS
from cnn_tui.engine.specs.layers import LAYER_TYPES, Layer
from cnn_tui.engine.specs.network import MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.quick.called import PASSED_OVER
from cnn_tui.engine.specs.quick.called_text import calls_in, check_receives, rounded_down
from cnn_tui.engine.specs.quick.calls import has_keras
from cnn_tui.engine.specs.quick.draft import Draft, such_as
from cnn_tui.engine.specs.quick.named_blocks import BLOCK_WORDS, block_text
from cnn_tui.engine.specs.quick.vocabulary import (
    TOKENS,
    by_word,
    kind_named,
    layer_words,
    shown_word,
    split_glued,
)
from cnn_tui.engine.specs.tokens import Token, TokenReader, scan
from cnn_tui.engine.specs.wording import listed, nearest, show

_ELSEWHERE = {
    "input": "Set the input in its own row.",
    "softmax": "It belongs at the end, and is part of the loss here.",
    "svm": "Set the loss in its own row; the last layer gives plain scores.",
}


class Understood(NamedTuple):
    """The layers of a line that may be unfinished or wrong."""

    layers: tuple[Layer, ...]
    """The layers before the error."""
    error: EntryError | None = None
    notes: tuple[str, ...] = ()
    """Notes on what was passed over, or differs from the framework that the line comes from."""


def parse_quick(text: str) -> tuple[Layer, ...]:
    """Parse a line into layers; none for an empty line.

    Raises:
        EntryError: at the first word that cannot be parsed.
    """
    return _QuickReader(text).whole()


def parse_understood(text: str, shape: Shape | None = None) -> Understood:
    """Parse a line as far as it is understood.

    The layer in which an error is counts if it is complete without the wrong word.

    Args:
        text: the line.
        shape: what the first layer receives, which declared input sizes are checked against.
    """
    try:
        reader = _QuickReader(text, shape)
    except EntryError as error:
        # A character without meaning; what it touches is not understood either.
        before = text[: error.column]
        found = parse_understood(before, shape)
        is_apart = found.error is not None or before[-1:] in ("", " ", ",", "|")
        layers = found.layers if is_apart else found.layers[:-1]
        return Understood(layers, error, found.notes)
    problem: EntryError | None = None
    try:
        reader.whole()
    except EntryError as error:
        problem = error
    notes = tuple(dict.fromkeys(reader.notes))
    return Understood(tuple(reader.understood), problem, notes)


class _QuickReader(TokenReader):
    """Parses tokens into layers."""

    def __init__(self, text: str, shape: Shape | None = None) -> None:
        super().__init__(scan(text, TOKENS))
        self._keras = has_keras(text)
        self._count = 0
        self._flow = FeatureMap(shape, flat=shape is not None and len(shape) == 1)
        self.notes: list[str] = []
        self.understood: list[Layer] = []
        """The layers outside of blocks that have been read so far."""

    def whole(self) -> tuple[Layer, ...]:
        layers = self._layers(0)
        if self._token.kind == "close":
            raise self._token.error("This } has no matching {.", "Delete it.")
        return layers

    def _layers(self, depth: int) -> tuple[Layer, ...]:
        layers: list[Layer] = []
        while self._token.kind in ("word", "bar", "call"):
            if self._token.kind == "bar":
                self._next()
                continue
            for layer in self._next_layers(depth):
                layers.append(layer)
                if depth == 0:
                    self._add(layer)
        if self._token.kind == "open":
            raise self._token.error(
                "Only residual, parallel and repeat have layers in braces.",
                "Write res { conv 16 pad same }.",
            )
        return tuple(layers)

    def _add(self, layer: Layer) -> None:
        """Keep a layer outside of blocks, and follow its shape."""
        self.understood.append(layer)
        if self._flow.shape is not None:
            self._flow = infer(layer, self._flow).after

    def _next_layers(self, depth: int) -> Iterator[Layer]:
        if self._token.kind == "call":
            yield from self._called(depth)
        elif self._token.text.lower() in PASSED_OVER:
            token = self._next()
            if token.text.lower() == "softmax" and (self._token.kind != "end" or depth):
                raise _no_layer(token)
            self.notes.append(PASSED_OVER[token.text.lower()])
        elif self._token.text.lower() in BLOCK_WORDS:
            yield from self._block()
        else:
            yield self._layer(depth)

    def _called(self, depth: int) -> Iterator[Layer]:
        """The layers that a call of another program makes, each once the one before is added."""
        token = self._next()
        for made in calls_in(token, keras=self._keras):
            if made.is_softmax and (self._token.kind != "end" or depth):
                raise token.error("A softmax belongs at the end.", "Delete it.")
            self.notes += [made.note] if made.note else []
            if depth == 0:
                check_receives(made, self._flow, token)
            for layer in made.layers:
                self._count_one(token)
                yield rounded_down(layer, self._flow)

    def _block(self) -> Iterator[Layer]:
        """The layers that the name of a block stands for."""
        word = self._next()
        given = []
        while self._token.kind == "word" and re.fullmatch(r"s?[0-9]{1,6}|proj", self._token.text):
            given.append(self._next().text)
        inner = _QuickReader(block_text(word, given, self._flow.shape))
        for layer in inner.whole():
            self._count_one(word)
            yield layer

    def _count_one(self, token: Token) -> None:
        self._count += 1
        if self._count > MAX_LAYERS:
            raise token.error(f"There are more than {MAX_LAYERS} layers.", "Use fewer.")

    def _layer(self, depth: int) -> Layer:
        token = self._next()
        self._count_one(token)
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
    if token.text.lower() in (*BLOCK_WORDS, *PASSED_OVER):
        return True
    words = {token.text.lower(), split_glued(token)[0].text.lower()}
    return any(kind_named(word) and word not in by_word(kind) for word in words)


def _no_layer(token: Token) -> EntryError:
    word = token.text.lower()
    if word in _ELSEWHERE:
        return token.error(f"{word} is not a layer here.", _ELSEWHERE[word])
    near = nearest(word, [*layer_words(), *BLOCK_WORDS])
    every = f"Layers are {listed(LAYER_TYPES, 'and')}."
    hint = f"Did you mean {shown_word(near[0])}?" if near else every
    return token.error(f"There is no layer {show(token.text)}.", hint)
