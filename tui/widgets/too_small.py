"""A line for terminals in which nothing can be shown well."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size

from cnn_tui.tui.widgets.lines import Line, Lines, unstyled

LEAST = Size(60, 18)


class TooSmall(Lines):
    """Says how large the terminal is and how large it has to be."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """One line, cut where it must be."""
        words = (f"{width}x{height}: cnn-tui needs {LEAST.width}x{LEAST.height}", "q quits")
        return [unstyled(line[:width]) for line in words]
