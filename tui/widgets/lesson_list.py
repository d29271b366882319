"""The list of lessons, with chapters that the cursor passes, and the text beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding

from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.lines import Shown
from cnn_tui.tui.widgets.scrolled import ScrolledLines
from cnn_tui.tui.widgets.table import Table

_WIDEST = 78
"""Columns beyond which the eye loses the line."""


class LessonList(Table, inherit_bindings=False):
    """A table whose rows without a key are headings; pages belong to the text."""

    BINDINGS = [
        Binding("up,k", "go(-1)", "Up", show=False),
        Binding("down,j", "go(1)", "Down", show=False),
        Binding("home,g", "go(-1000)", "First", show=False),
        Binding("end,G", "go(1000)", "Last", show=False),
    ]

    def action_go(self, by: int) -> None:
        """Move by rows, over headings; at the ends the cursor stays on a lesson."""
        keys = [record.key for record in self.records]
        step = 1 if by > 0 else -1
        wanted = max(0, min(self.cursor + by, len(keys) - 1))
        ahead = range(wanted, len(keys) if step > 0 else -1, step)
        back = range(wanted, self.cursor, -step)
        at = next((at for at in (*ahead, *back) if keys[at]), self.cursor)
        super().action_go(at - self.cursor)

    def choose_first(self) -> None:
        """Move from a heading to the lesson below it."""
        if self.records and not self.chosen:
            self.action_go(1)


class ReadingPane(ScrolledLines):
    """A text that is wrapped again for each width."""

    DEFAULT_CLASSES = "panel"

    make: Shown[Callable[[int], Sequence[Line]] | None] = Shown(None)

    def all_lines(self, width: int) -> Sequence[Line]:
        return self.make(min(width, _WIDEST)) if self.make else ()

    def scrolled(self, by: int) -> bool:
        """Scroll by rows; returns whether there were any."""
        before = self._top
        self.action_scroll_rows(by)
        return self._top != before

    def watch_make(self) -> None:
        """Begin another text at its top."""
        self._top = 0
