"""The words of quick entry, from what each kind of layer says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from cnn_tui.engine.specs.info import Flag, Setting
from cnn_tui.engine.specs.layers import LAYER_TYPES, Layer
from cnn_tui.engine.specs.tokens import Token

TOKENS = re.compile(
    r"(?P<blank>[\s,=]+)"
    r"|(?P<bar>\||->|→)"
    r"|(?P<open>\{)|(?P<close>\})"
    r"|(?P<word>no bias(?![\w.+-])|(?:(?!->)[A-Za-z0-9_.+×-])+)"
)
_GLUED = re.compile(r"([a-z_]+?)([0-9.].*)", re.IGNORECASE)
_NAME = Setting("name", ("as", "name"))
_BY_WORD = {word: kind for kind in LAYER_TYPES.values() for word in kind.info.words}


def kind_named(word: str) -> type[Layer] | None:
    """The kind of layer that a word means, if it means one."""
    return _BY_WORD.get(word.lower())


def layer_words() -> Iterator[str]:
    """Every name of every kind of layer."""
    yield from _BY_WORD


@cache
def settings_of(kind: type[Layer]) -> tuple[Setting, ...]:
    """The settings that take a value: the ones with words of their own, the other fields, a name.

    A field that a flag stands for, and the branch of a block, is no setting.
    """
    info = kind.info
    known = {one.field for one in info.settings} | {flag.field for flag in info.flags}
    known |= {"name", "branch"}
    others = (field for field in kind.__struct_fields__ if field not in known)
    return (*info.settings, *(Setting(field, (field,)) for field in others), _NAME)


@cache
def by_word(kind: type[Layer]) -> Mapping[str, Setting | Flag]:
    """Every setting and flag by each of its words."""
    found: dict[str, Setting | Flag] = {one.short: one for one in settings_of(kind) if one.short}
    entries: tuple[Setting | Flag, ...] = (*settings_of(kind), *kind.info.flags)
    for one in entries:
        found.update(dict.fromkeys(one.words, one))
    return found


def split_glued(token: Token) -> tuple[Token, Token]:
    """``s2`` as ``s`` and ``2``; the second part is empty where nothing is glued to a word."""
    match = _GLUED.fullmatch(token.text)
    cut = match.end(1) if match else len(token.text)
    value = token._replace(text=token.text[cut:], column=token.column + cut)
    return token._replace(text=token.text[:cut]), value
