"""Cuts a line that a person types into words that know where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.network import MAX_FILE_BYTES
from cnn_tui.engine.specs.wording import show


class Token(NamedTuple):
    """A piece of a line; ``column`` counts characters from 0."""

    kind: str
    text: str
    column: int

    @property
    def end(self) -> int:
        """The column behind it."""
        return self.column + len(self.text)

    def error(self, message: str, hint: str = "") -> EntryError:
        """An error whose caret stands under this piece."""
        return EntryError(message, hint, self.column, len(self.text))


class TokenReader:
    """Reads tokens from left to right, the last of kind ``end``."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = list(tokens)
        self._at = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]


def scan(text: str, pattern: re.Pattern[str], *, lenient: bool = False) -> Iterator[Token]:
    """The tokens of ``text``, then one of kind ``end``.

    Args:
        text: whatever was typed.
        pattern: a named group for each kind; ``blank`` is left out.
        lenient: leave out what the pattern does not know, too.

    Raises:
        EntryError: for a character that the pattern does not know, and for a line of a length
            that nobody types.
    """
    if len(text) > MAX_FILE_BYTES:
        at_end = Token("end", "", MAX_FILE_BYTES)
        raise at_end.error(f"The line is longer than {MAX_FILE_BYTES // 1024} KB.")
    place = 0
    while place < len(text):
        match = pattern.match(text, place)
        if match is None:
            if not lenient:
                stray = Token("stray", text[place], place)
                raise stray.error(f"{show(stray.text)} has no meaning here.", "Take it out.")
            place += 1
            continue
        if match.lastgroup != "blank":
            yield Token(str(match.lastgroup), match[0], place)
        place = match.end()
    yield Token("end", "", len(text))
