"""The words of quick entry, from the ``info`` of each kind of layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from cnn_tui.engine.specs.info import Flag, Setting
from cnn_tui.engine.specs.inside import LIST_FIELDS
from cnn_tui.engine.specs.layers import LAYER_TYPES, Layer
from cnn_tui.engine.specs.tokens import Token

_IN_BRACKETS = "[^()]*"
for _ in range(8):  # as deep as one call may hold others
    _IN_BRACKETS = rf"(?:[^()]|\({_IN_BRACKETS}\))*"
TOKENS = re.compile(
    # Also (0): of a printed module, and what a line of a program assigns a call to.
    r"(?P<blank>[\s,=]+|\(\w+\):|(?:self\.)?[A-Za-z_]\w*\s*=\s*(?=[A-Za-z_][\w.]*\())"
    rf"|(?P<call>[A-Za-z_][\w.]*\({_IN_BRACKETS}\)(?:\(\w*\))?)"
    r"|(?P<bar>\||->|→)"
    r"|(?P<open>\{)|(?P<close>\})"
    r"|(?P<word>no bias(?![\w.+-])|(?:(?!->)[A-Za-z0-9_.+×-])+)"
)
_GLUED = re.compile(r"([a-z_]+?)([0-9.].*)", re.IGNORECASE)
_NAME = Setting("name", ("as", "name"))
_BY_WORD = {
    word: kind for kind in LAYER_TYPES.values() for word in (*kind.info.words, *kind.info.aliases)
}


def kind_named(word: str) -> type[Layer] | None:
    """Return the kind of layer that a word names, if any."""
    return _BY_WORD.get(word.lower())


def layer_words() -> Iterator[str]:
    """Yield every name of every kind of layer."""
    yield from _BY_WORD


def shown_word(word: str) -> str:
    """Return the name of a layer in place of a shorter one; other words as they are."""
    kind = kind_named(word)
    return kind.info.words[0] if kind else word


@cache
def settings_of(kind: type[Layer]) -> tuple[Setting, ...]:
    """Return the settings that take a value: declared settings, other fields, then the name.

    Fields set by flags, and the layers inside a block, are not among them.
    """
    info = kind.info
    known = {setting.field for setting in info.settings} | {flag.field for flag in info.flags}
    known |= {"name", *LIST_FIELDS}
    others = (field for field in kind.__struct_fields__ if field not in known)
    return (*info.settings, *(Setting(field, (field,)) for field in others), _NAME)


@cache
def by_word(kind: type[Layer]) -> Mapping[str, Setting | Flag]:
    """Return every setting and flag by each of its words."""
    settings = settings_of(kind)
    entries: dict[str, Setting | Flag] = {entry.short: entry for entry in settings if entry.short}
    entries |= {word: setting for setting in settings for word in setting.words}
    entries |= {word: flag for flag in kind.info.flags for word in flag.words}
    return entries


def split_glued(token: Token) -> tuple[Token, Token]:
    """Split ``s2`` into ``s`` and ``2``; the value is empty if a word has none attached."""
    match = _GLUED.fullmatch(token.text)
    cut = match.end(1) if match else len(token.text)
    value = token._replace(text=token.text[cut:], column=token.column + cut)
    return token._replace(text=token.text[:cut]), value
