"""Rows that may be more than fit, scrolled by keys and wheel."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.lines import Lines

_WHOLE = 100_000


class ScrolledLines(Lines, can_focus=True):
    """Shows a part of :meth:`all_lines`; the last row says how many are below."""

    BINDINGS = [
        Binding("up,k", "scroll_rows(-1)", "Up", show=False),
        Binding("down,j", "scroll_rows(1)", "Down", show=False),
        Binding("pageup", "scroll_rows(-10)", "Up ten", show=False),
        Binding("pagedown", "scroll_rows(10)", "Down ten", show=False),
        Binding("home", f"scroll_rows({-_WHOLE})", "First", show=False),
        Binding("end", f"scroll_rows({_WHOLE})", "Last", show=False),
    ]

    _top = 0

    def all_lines(self, width: int) -> Sequence[Line]:
        """Return all rows, for ``width`` columns."""
        raise NotImplementedError

    def count_rows(self, width: int, height: int) -> int:
        """Return the number of all rows; to ask for the visible ones would scroll."""
        return len(self.all_lines(width))

    def lines(self, width: int, height: int) -> Sequence[Line]:
        rows = self.all_lines(width)
        self._top = max(0, min(self._top, len(rows) - height))
        shown = list(rows[self._top : self._top + height])
        below = len(rows) - self._top - len(shown)
        if below > 0 and shown:
            margin = " " * all(row[0][0][:1] in " " for row in rows if row)
            shown[-1] = ((f"{margin}... {below + 1} more rows below", "dim"),)
        return shown

    def action_scroll_rows(self, by: int) -> None:
        self._top = max(0, self._top + by)
        self.redraw()

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll_rows(1)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll_rows(-1)
