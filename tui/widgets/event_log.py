"""What happened in the run, newest last, as much as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from textual.reactive import var

from cnn_tui.tui.widgets.lines import Line, Lines
from cnn_tui.tui.words import clean, clock


class EventLog(Lines):
    """The end of a bounded list."""

    entries: var[tuple[tuple[float, str], ...]] = var((), init=False)
    empty: var[str] = var("", init=False)
    """What to say before anything has happened."""

    def watch_entries(self) -> None:
        """Show the newest."""
        self.redraw()

    def watch_empty(self) -> None:
        """Show what to say."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """As many lines as fit, wrapped, from the end."""
        if not self.entries:
            return [((" " + line, "dim"),) for line in wrap(self.empty, max(1, width - 1))]
        rows = [row for entry in self.entries[-height:] for row in _wrapped(*entry, width)]
        return rows[-height:]


def _wrapped(seconds: float, words: str, width: int) -> list[Line]:
    role = "error" if words.startswith("!") else ""
    first, *rest = wrap(clean(words), max(1, width - 7)) or [""]
    return [
        ((f"{clock(seconds):>5}  ", "dim"), (first, role)),
        *((((" " * 7) + line, role),) for line in rest),
    ]
