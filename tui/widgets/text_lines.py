"""Some lines that are given to it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import var

from cnn_tui.tui.widgets.lines import Line, Lines


class TextLines(Lines):
    """Shows as many of its rows as there is room for, the first first."""

    rows: var[tuple[Line, ...]] = var((), init=False)

    def watch_rows(self) -> None:
        """Show the new rows."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The rows as they are."""
        return self.rows
