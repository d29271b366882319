"""The pattern of the notes: ``INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC``.

``*`` repeats a group or a layer, ``?`` marks a pool as optional (CS231n notes, ConvNet
Architectures). :mod:`cnn_tui.engine.specs.expansion` turns a pattern into layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cnn_tui.engine.specs.inside import BLOCKS
from cnn_tui.engine.specs.layers import LAYER_TYPES, AvgPool, Layer, MaxPool
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.tokens import Token, TokenReader, scan
from cnn_tui.engine.specs.wording import did_you_mean, listed, show

PATTERN = "INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC"
"""The pattern as in the notes; N, M and K are settings."""

_KINDS = [kind for kind in LAYER_TYPES.values() if kind not in BLOCKS]
WORDS: dict[str, type[Layer]] = {
    word.upper(): kind for kind in _KINDS for word in kind.info.words if len(word) > 1
}
"""The words of a pattern besides INPUT: the names of quick entry in capitals."""
POOLS = (MaxPool, AvgPool)

_TOKENS = re.compile(
    r"(?P<blank>\s+)|(?P<arrow>->|→|\|)|(?P<open>\[)|(?P<close>\])|(?P<times>[*×])|(?P<maybe>\?)"
    r"|(?P<number>[0-9]+)|(?P<word>[A-Za-z_]+[0-9]*)"
)
_DEEPEST = 8


class Atom(NamedTuple):
    """A layer, as a word of the pattern."""

    kind: type[Layer]
    token: Token
    optional: bool = False


class Group(NamedTuple):
    """Items repeated ``times`` times; ``token`` is the count in the text."""

    items: tuple[Item, ...]
    times: int
    token: Token

    @property
    def size(self) -> int:
        """Number of layers that the group expands to."""
        return self.times * sum(item.size if isinstance(item, Group) else 1 for item in self.items)

    def atoms(self) -> Iterator[Atom]:
        """Yield every layer in order, as often as it is repeated."""
        if self.size:  # an empty group may be repeated any number of times
            for _ in range(self.times):
                for item in self.items:
                    yield from item.atoms() if isinstance(item, Group) else [item]


Item = Atom | Group


def parse_pattern(text: str, counts: dict[str, int]) -> Group:
    """Parse a pattern; the result is a group that occurs once.

    Args:
        text: the pattern; arrows may be left out.
        counts: the values of the letters N, M and K.

    Raises:
        EntryError: at the first word that cannot be parsed, or at a count that makes more than
            MAX_LAYERS layers.
    """
    return _PatternReader(text, counts).whole()


class _PatternReader(TokenReader):
    """Parses tokens into groups."""

    def __init__(self, text: str, counts: dict[str, int]) -> None:
        super().__init__(scan(text, _TOKENS))
        self._counts = counts

    def whole(self) -> Group:
        self._skip("arrow")
        if self._token.text.upper() == "INPUT":
            self._next()
        items = self._items(0)
        if self._token.kind == "close":
            raise self._token.error("This ] has no matching [.", "Delete it.")
        return self._checked(Group(items, 1, self._tokens[0]))

    def _skip(self, kind: str) -> None:
        while self._token.kind == kind:
            self._next()

    def _items(self, depth: int) -> tuple[Item, ...]:
        items: list[Item] = []
        self._skip("arrow")
        while self._token.kind not in ("close", "end"):
            items.append(self._item(depth))
            self._skip("arrow")
        return tuple(items)

    def _item(self, depth: int) -> Item:
        item = self._group(depth) if self._token.kind == "open" else self._atom()
        while self._token.kind in ("maybe", "times"):
            item = self._optional(item) if self._token.kind == "maybe" else self._repeated(item)
        return item

    def _group(self, depth: int) -> Group:
        bracket = self._next()
        if depth >= _DEEPEST:
            raise bracket.error(f"Groups are nested more than {_DEEPEST} deep.")
        items = self._items(depth + 1)
        if self._token.kind != "close":
            raise bracket.error("This [ is never closed.", "Add ] after the group.")
        self._next()
        return Group(items, 1, bracket)

    def _atom(self) -> Atom:
        token = self._next()
        word = token.text.upper()
        if word in WORDS:
            return Atom(WORDS[word], token)
        if word == "INPUT":
            raise token.error("INPUT is allowed only at the beginning.", "Delete it here.")
        usual = [kind.info.words[0].upper() for kind in _KINDS]
        hint = did_you_mean(word, WORDS, f"Layers are {listed(usual, 'and')}.")
        raise token.error(f"Expected a layer, received {show(token.text)}.", hint)

    def _optional(self, item: Item) -> Atom:
        mark = self._next()
        if not isinstance(item, Atom) or item.kind not in POOLS:
            raise mark.error("Only a pool can be optional.", "Write POOL?, or delete the ?.")
        return item._replace(optional=True)

    def _repeated(self, item: Item) -> Group:
        star = self._next()
        if isinstance(item, Group) and item.token.kind != "open":
            raise star.error("This group has a count already.", "Multiply the two counts.")
        token = self._next() if self._token.kind in ("number", "word") else self._token
        items = item.items if isinstance(item, Group) else (item,)
        return self._checked(Group(items, self._count(token), token))

    def _count(self, token: Token) -> int:
        if token.kind == "number":
            # Python refuses to parse thousands of digits; nine are too many layers already.
            return int(token.text.lstrip("0")[:9] or "0")
        letter = token.text.upper()
        if letter not in self._counts:
            hint = f"Write {listed([*self._counts, 'a number'])}."
            raise token.error("The * needs a count.", hint)
        return self._counts[letter]

    def _checked(self, group: Group) -> Group:
        if max(group.size, group.times) > MAX_LAYERS:
            raise group.token.error(f"This makes more than {MAX_LAYERS} layers.", "Repeat less.")
        return group
