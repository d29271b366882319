"""Splits typed text into tokens that know their position."""

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
        """The column after the token."""
        return self.column + len(self.text)

    def error(self, message: str, hint: str = "") -> EntryError:
        """Return an error that points at this token."""
        return EntryError(message, hint, self.column, len(self.text))


class TokenReader:
    """Reads tokens from left to right, the last of kind ``end``."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = list(tokens)
        self._position = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        self._position += 1
        return self._tokens[self._position - 1]


def scan(text: str, pattern: re.Pattern[str], *, lenient: bool = False) -> Iterator[Token]:
    """Yield the tokens of ``text``, then one of kind ``end``.

    Args:
        text: the typed line.
        pattern: one named group per kind of token; ``blank`` is skipped.
        lenient: whether to skip unknown characters as well.

    Raises:
        EntryError: for a character that the pattern does not match, or a line that is too long.
    """
    if len(text) > MAX_FILE_BYTES:
        at_end = Token("end", "", MAX_FILE_BYTES)
        raise at_end.error(f"The line is longer than {MAX_FILE_BYTES // 1024} KB.")
    column = 0
    while column < len(text):
        match = pattern.match(text, column)
        if match is None:
            if not lenient:
                stray = Token("stray", text[column], column)
                hint = (
                    "Close the bracket, or write settings without."
                    if stray.text in "()[]"
                    else "Delete it."
                )
                raise stray.error(f"{show(stray.text)} has no meaning here.", hint)
            column += 1
            continue
        if match.lastgroup != "blank":
            yield Token(str(match.lastgroup), match[0], column)
        column = match.end()
    yield Token("end", "", len(text))
