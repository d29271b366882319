"""The answers of a question, each with its key."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from textual import events
from textual.message import Message

from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.lines import Lines


class Answers(Lines):
    """Shows keys and what they mean; a click on an answer gives its key."""

    class Given(Message):
        """An answer was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, answers: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._answers = answers

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return [line for _, line in self._keyed(width)]

    def on_click(self, event: events.Click) -> None:
        keys = [key for key, _ in self._keyed(self.content_size.width)]
        if event.y < len(keys):
            self.post_message(self.Given(keys[event.y]))

    def _keyed(self, width: int) -> list[tuple[str, Line]]:
        """Return the rows with the key that a click on them gives."""
        rows: list[tuple[str, Line]] = []
        for key, text in self._answers:
            for at, line in enumerate(wrap(text, max(8, width - 7))):
                rows.append((key, ((f"{'' if at else key:>5}  ", "accent"), (line, "dim"))))
        return rows
