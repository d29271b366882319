"""Suggests words while quick entry is being typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from cnn_tui.engine.specs.info import Flag, Setting
from cnn_tui.engine.specs.layers import LAYER_TYPES, Layer
from cnn_tui.engine.specs.network import MAX_FILE_BYTES
from cnn_tui.engine.specs.quick.named_blocks import BLOCK_WORDS
from cnn_tui.engine.specs.quick.vocabulary import (
    TOKENS,
    by_word,
    kind_named,
    settings_of,
    split_glued,
)
from cnn_tui.engine.specs.tokens import Token, scan

_INFOS = tuple(kind.info for kind in LAYER_TYPES.values())
_NAMES = {info.words[0]: info.words for info in _INFOS}
"""All names of each layer: a short one is completed to that by which the layer is shown."""
_PREFIX = re.compile(r"[A-Za-z0-9_.+×-]*\Z")


class Completion(NamedTuple):
    """A word to replace the characters from ``start`` to ``end``."""

    text: str
    start: int
    end: int
    meaning: str


def complete(text: str, cursor: int) -> tuple[Completion, ...]:
    """Return the words that complete the one before the cursor or, without one, may come next.

    Never raises: the text before the cursor may be invalid.
    """
    before = text[: max(0, min(cursor, MAX_FILE_BYTES))]
    prefix = _PREFIX.search(before)
    assert prefix is not None, "it matches the empty word at the end"
    here = _context(scan(before[: prefix.start()], TOKENS, lenient=True))
    typed = prefix[0].lower()
    return tuple(
        Completion(word, *prefix.span(), meaning)
        for word, meaning in _words(here, typed)
        if word != typed and any(name.startswith(typed) for name in _NAMES.get(word, (word,)))
    )


class _Context(NamedTuple):
    """The layer being typed, the fields given, and the setting that needs a value."""

    kind: type[Layer] | None = None
    given: frozenset[str] = frozenset()
    awaits: Setting | None = None

    def with_field(self, field: str) -> _Context:
        return self._replace(given=self.given | {field}, awaits=None)

    def free_place(self) -> str | None:
        """The field that a plain number would fill."""
        places = self.kind.info.places if self.kind else ()
        return next((field for field in places if field not in self.given), None)


def _context(tokens: Iterable[Token]) -> _Context:
    here, outer = _Context(), list[_Context]()
    for token in tokens:
        match token.kind:
            case "word":
                here = _after(here, token)
            case "bar" | "call":
                here = _Context()
            case "open":
                outer.append(here)
                here = _Context()
            case "close":
                here = outer.pop() if outer else _Context()
    return here


def _after(here: _Context, token: Token) -> _Context:
    if here.awaits is not None:
        return here.with_field(here.awaits.field)
    word, value = split_glued(token)
    setting = by_word(here.kind).get(word.text.lower()) if here.kind else None
    if isinstance(setting, Setting) and not value.text:
        return here._replace(awaits=setting)
    if setting is not None:
        return here.with_field(setting.field)
    if kind := kind_named(token.text):
        return _Context(kind)
    if kind := kind_named(word.text):
        return _Context(kind, frozenset(kind.info.places[:1]))
    place = here.free_place()
    return here.with_field(place) if place and token.text[0].isdigit() else here


def _words(here: _Context, typed: str) -> Iterator[tuple[str, str]]:
    if here.kind is None:
        yield from _layers()
        return
    if here.awaits is not None:
        yield from _values(here.awaits)
        return
    place = here.free_place()
    wanted = [setting for setting in settings_of(here.kind) if setting.field not in here.given]
    for setting in wanted:
        if setting.field == place:
            yield from _values(setting)
    flags = (flag for flag in here.kind.info.flags if flag.field not in here.given)
    yield from ((entry.words[0], _meaning(entry)) for entry in chain[Setting | Flag](wanted, flags))
    # The bar is optional, but listing all layers would hide the settings.
    yield from _layers() if typed else [("|", "the next layer")]


def _layers() -> Iterator[tuple[str, str]]:
    for info in _INFOS:
        yield info.words[0], info.meaning
        for word, fields in info.aliases.items():
            settings = ", ".join(f"{_spaced(field)} {value}" for field, value in fields.items())
            yield word, f"{info.words[0]} with {settings}"
    yield from ((word, block.meaning) for word, block in BLOCK_WORDS.items())


def _spaced(field: str) -> str:
    return field.replace("_", " ")


def _values(setting: Setting) -> Iterator[tuple[str, str]]:
    yield from ((value, setting.field.replace("_", " ")) for value in setting.usual)


def _meaning(entry: Setting | Flag) -> str:
    label = entry.field.replace("_", " ")
    if isinstance(entry, Flag):
        return "without bias" if entry.value is False else f"{label} {entry.value}"
    return f"{label}, such as {entry.usual[0]}" if entry.usual else label
