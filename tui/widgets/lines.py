"""The base of almost every widget here: rows of styled text of which only the changed are sent.

Textual resends the whole region of a widget that is refreshed. Over a slow link that is the cost
of the screen, so these widgets compare their rows with the ones before and refresh the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from cnn_tui.tui.rows import Line, unstyled
from cnn_tui.tui.words import clean

LOOKS = {
    "dim": "$text-muted",
    "faint": "$text-disabled",
    "accent": "$accent",
    "strong": "bold $foreground",
    "warn": "$warning",
    "error": "$error",
    "good": "$success",
    "bar": "on $panel",
    "cursor": "$block-cursor-foreground on $block-cursor-background",
    "idle": "on $block-cursor-blurred-background",
}
"""Roles and what they look like.

Not component classes: Textual matches each of those with every rule, again for each widget and
each change of its state, which was a third of the time from the start to the first paint.
"""


Value = TypeVar("Value")


class Shown(var[Value]):
    """An attribute of :class:`Lines`; a new value draws the rows again."""

    def __init__(self, default: Value) -> None:
        super().__init__(default, init=False)

    def __set__(self, lines: Any, value: Value) -> None:
        before = self.__get__(lines, type(lines))
        super().__set__(lines, value)
        # Textual keeps the old object if the new one is equal.
        if self.__get__(lines, type(lines)) is not before:
            lines.redraw()


class Lines(Widget):
    """Rows made by :meth:`lines` from the widget's data and size."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Line] = []
        self._size_made: Size | None = None
        self._styles: dict[tuple[str, bool], Style] = {}

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The rows that fit into ``width`` columns and ``height`` rows."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Make the rows again and send those that changed."""
        size = self.content_size
        if not self.is_mounted or not size:
            return
        before, self._rows = self._rows, self._made(size)
        changed = [y for y, row in enumerate(self._rows) if y >= len(before) or row != before[y]]
        if changed:
            self.refresh(*(Region(0, y, size.width, 1) for y in changed))

    def on_resize(self, event: events.Resize) -> None:
        """Fit the rows to the new size."""
        self._rows = []
        self.redraw()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are, for widgets whose height is ``auto``."""
        return len(self.lines(width, viewport.height))

    def render_line(self, y: int) -> Strip:
        """One row of the widget's content."""
        width = self.content_size.width
        # At once, so that no empty widget is painted before the news of its size arrives.
        if self._size_made != self.content_size and self.is_mounted:
            self._rows = self._made(self.content_size)
        row = self._rows[y] if y < len(self._rows) else unstyled()
        segments = [Segment(clean(text), self._style(role)) for text, role in row if text]
        return Strip(segments).adjust_cell_length(width, self._style(row[-1][1] if row else ""))

    def notify_style_update(self) -> None:
        """The theme may be another one."""
        self._styles = {}
        super().notify_style_update()

    def _made(self, size: Size) -> list[Line]:
        self._size_made = size
        rows = list(self.lines(size.width, size.height))[: size.height]
        return rows + [unstyled()] * (size.height - len(rows))

    def _style(self, role: str) -> Style:
        key = (role, self.has_focus)
        if key not in self._styles:
            looks = map(self.app.stylesheet.parse_style, map(LOOKS.__getitem__, role.split()))
            self._styles[key] = sum(looks, self.visual_style).rich_style
        return self._styles[key]


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


class TextLines(Lines):
    """Shows as many of its rows as there is room for, the first first."""

    rows: Shown[tuple[Line, ...]] = Shown(())

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The rows as they are."""
        return self.rows


LEAST = Size(60, 18)


class TooSmall(Lines):
    """Says how large the terminal is and how large it has to be."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """One line, cut where it must be."""
        words = (f"{width}x{height}: cnn-tui needs {LEAST.width}x{LEAST.height}", "q quits")
        return [unstyled(line[:width]) for line in words]
