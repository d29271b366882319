"""What is wrong with a line of text, below the very words that are wrong."""

from __future__ import annotations

from textwrap import wrap

from cnn_tui.tui.widgets.lines import Line


def underlined(words: str, column: int, width: int, room: int, role: str = "error") -> list[Line]:
    """Carets from ``column`` on with ``words`` beside or below them, in ``room`` columns."""
    column = max(0, min(column, room - 1))
    marks = "^" * max(1, min(width, room - column))
    if column + len(marks) + 1 + len(words) <= room:
        return [((f"{'':{column}}{marks} {words}", role),)]
    if len(words) < column:
        return [((f"{words:>{column - 1}} {marks}", role),)]
    below = [((f"  {line}", role),) for line in wrap(words, max(1, room - 2))]
    return [((f"{'':{column}}{marks}", role),), *below]
