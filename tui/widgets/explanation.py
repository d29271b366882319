"""The arithmetic of the chosen layer, in the columns there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from textual.reactive import reactive

from cnn_tui.tui.widgets.lines import Line, Lines


class Explanation(Lines):
    """Lines of arithmetic; one that is too long loses its blanks before it is wrapped."""

    words: reactive[tuple[str, ...]] = reactive((), init=False)

    def watch_words(self) -> None:
        """Show the new arithmetic."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """All lines that fit."""
        rows = [row for words in self.words for row in _fitted(words, width)]
        return [((row, "dim" if row == rows[0] else ""),) for row in rows]


def _fitted(words: str, width: int) -> list[str]:
    if len(words) > width:
        words = re.sub(r"(?<=[\w)]) ([-+]) (?=\d)", r"\1", words)
    return wrap(words, width) or [""]
