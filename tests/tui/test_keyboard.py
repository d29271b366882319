"""An escape key is one, whatever arrives with it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from cnn_tui.tui.terminal.keyboard import Keyboard


def keys(chunks: Sequence[str]) -> list[str]:
    """The keys of what is read; an empty chunk is a pause."""
    keyboard, parser = Keyboard(), XTermParser()
    read = [keyboard.read(chunk) if chunk else keyboard.rest() for chunk in (*chunks, "")]
    return [
        event.key
        for text in read
        if text
        for event in parser.feed(text)
        if isinstance(event, events.Key)
    ]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (["\x1b"], ["escape"]),
        (["\x1bo"], ["escape", "o"]),
        (["\x1b", "o"], ["escape", "o"]),
        (["\x1b", "", "o"], ["escape", "o"]),
        (["\x1b/conv 6 5x5"], ["escape", "slash", *"conv", "space", "6", "space", *"5x5"]),
        (["\x1b\r\x1b\x03"], ["escape", "enter", "escape", "ctrl+c"]),
        (["\x1b\x1b"], ["escape", "escape"]),
        (["\x1b[A\x1b[15~\x1bOP"], ["up", "f5", "f1"]),
        (["\x1b", "[B"], ["down"]),
        (["x\x1b", "\x1b[1;2B"], ["x", "escape", "shift+down"]),
    ],
)
def test_escape_is_a_key_of_its_own(chunks: Sequence[str], expected: Sequence[str]) -> None:
    assert keys(chunks) == list(expected)


def test_a_long_line_after_escape_is_text() -> None:
    assert keys(["\x1b" + "a" * 500]) == ["escape", *"a" * 500]
