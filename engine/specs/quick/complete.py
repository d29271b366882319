"""Offers words while quick entry is being typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cnn_tui.engine.specs.info import Flag, Setting
from cnn_tui.engine.specs.layers import LAYER_TYPES, Layer
from cnn_tui.engine.specs.network import MAX_FILE_BYTES
from cnn_tui.engine.specs.quick.vocabulary import (
    TOKENS,
    by_word,
    kind_named,
    settings_of,
    split_glued,
)
from cnn_tui.engine.specs.tokens import Token, scan

_INFOS = tuple(kind.info for kind in LAYER_TYPES.values())
_PREFIX = re.compile(r"[A-Za-z0-9_.+×-]*\Z")


class Completion(NamedTuple):
    """A word to put in the place of the characters from ``start`` to ``end``."""

    text: str
    start: int
    end: int
    meaning: str


def complete(text: str, cursor: int) -> tuple[Completion, ...]:
    """What could be meant by the word before the cursor or, without one, come next.

    Never raises: what stands before need not read.
    """
    before = text[: max(0, min(cursor, MAX_FILE_BYTES))]
    prefix = _PREFIX.search(before)
    assert prefix is not None, "it matches the empty word at the end"
    here = _context(scan(before[: prefix.start()], TOKENS, lenient=True))
    typed = prefix[0].lower()
    return tuple(
        Completion(word, *prefix.span(), meaning)
        for word, meaning in _words(here, typed)
        if word.startswith(typed) and word != typed
    )


class _Context(NamedTuple):
    """The layer being typed, what has been said of it, and the setting that waits for a value."""

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
            case "bar":
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
    wanted = [one for one in settings_of(here.kind) if one.field not in here.given]
    for setting in wanted:
        if setting.field == place:
            yield from _values(setting)
    yield from ((one.words[0], _meaning(one)) for one in wanted)
    flags = (one for one in here.kind.info.flags if one.field not in here.given)
    yield from ((one.words[0], _meaning(one)) for one in flags)
    # The bar may be left out, but a list of all layers would hide the settings.
    yield from _layers() if typed else [("|", "the next layer")]


def _layers() -> Iterator[tuple[str, str]]:
    yield from ((info.words[0], info.meaning) for info in _INFOS)


def _values(setting: Setting) -> Iterator[tuple[str, str]]:
    yield from ((value, setting.field.replace("_", " ")) for value in setting.usual)


def _meaning(one: Setting | Flag) -> str:
    label = one.field.replace("_", " ")
    if isinstance(one, Flag):
        return "without bias" if one.value is False else f"{label} {one.value}"
    return f"{label}, such as {one.usual[0]}" if one.usual else label
