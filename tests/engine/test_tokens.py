"""Typed text, cut into tokens that know where they are."""

from __future__ import annotations

import re

import pytest

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.network import MAX_FILE_BYTES
from cnn_tui.engine.specs.tokens import Token, TokenReader, scan

WORDS = re.compile(r"(?P<blank> +)|(?P<word>[a-z]+)|(?P<bar>\|)")


def test_tokens_with_their_columns() -> None:
    tokens = list(scan("ab  | c ", WORDS))
    assert tokens == [("word", "ab", 0), ("bar", "|", 4), ("word", "c", 6), ("end", "", 8)]
    assert [token.end for token in tokens] == [2, 5, 7, 8]


@pytest.mark.parametrize(
    ("text", "column", "hint"), [("a $b", 2, "Delete it."), ("a]", 1, "Close the bracket")]
)
def test_a_character_without_a_meaning(text: str, column: int, hint: str) -> None:
    with pytest.raises(EntryError, match=f"'{re.escape(text[column])}' has no meaning") as caught:
        list(scan(text, WORDS))
    assert (caught.value.column, caught.value.width) == (column, 1)
    assert caught.value.hint.startswith(hint)
    assert list(scan(text, WORDS, lenient=True)) == [
        *(("word", one, text.index(one)) for one in "ab" if one in text),
        ("end", "", len(text)),
    ]


def test_up_to_which_length_a_line_is_read() -> None:
    assert list(scan(" " * MAX_FILE_BYTES, WORDS)) == [("end", "", MAX_FILE_BYTES)]
    with pytest.raises(EntryError, match="longer than 256 KB") as caught:
        list(scan(" " * (MAX_FILE_BYTES + 1), WORDS))
    assert (caught.value.column, caught.value.width) == (MAX_FILE_BYTES, 0)


def test_an_error_points_at_its_token() -> None:
    error = Token("word", "abc", 4).error("Wrong.", "Right.")
    assert (error.message, error.hint, error.column, error.width) == ("Wrong.", "Right.", 4, 3)
    assert TokenReader([Token("end", "", 0)])._token.kind == "end"
