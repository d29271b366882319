"""The base of most widgets here: rows of styled text, of which only changed ones are sent.

Textual resends the whole region of a refreshed widget, which is the main cost of a screen over a
slow link. These widgets compare their rows with the previous ones and refresh only the others.
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

from cnn_tui.tui.actions import keyed
from cnn_tui.tui.rows import Line, unstyled
from cnn_tui.tui.theme import KINDS
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
    "tint": "on $panel",
    "band": "$panel",
    "cursor": "$block-cursor-foreground on $block-cursor-background",
    "idle": "on $block-cursor-blurred-background",
    "bold": "bold",
    **{kind: f"$kind-{kind}" for kind in KINDS},
}
"""Roles and their styles; the kinds of layers are roles.

They are not component classes: Textual matches each of those with every rule, for each widget and
each change of state, which took a third of the time to the first paint (measured).
"""

_NARROWEST = 4
"""Columns below which nothing is drawn, as in a terminal that is being dragged smaller."""
_LOUD = frozenset(("strong", "warn", "error"))

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
    """A widget whose rows are made by :meth:`lines`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Line] = []
        self._size_made: Size | None = None
        self._height_asked: int | None = None
        """The number of rows for which the widget was laid out last, if its height is ``auto``."""
        self._styles: dict[tuple[str, bool], Style] = {}

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the rows for ``width`` columns and ``height`` rows."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Make the rows again and send those that changed; a height ``auto`` follows them."""
        size = self.content_size
        if not self.is_mounted:
            return
        if self.styles.is_auto_height and self._height_asked is not None:
            rows = self.count_rows(size.width, self.app.size.height) if size.width else 0
            if rows != self._height_asked:
                self.refresh(layout=True)
        if not size:
            return
        before, self._rows = self._rows, self._made(size)
        changed = [y for y, row in enumerate(self._rows) if y >= len(before) or row != before[y]]
        if changed:
            self.refresh(*(Region(0, y, size.width, 1) for y in changed))

    def on_resize(self, event: events.Resize) -> None:
        self._rows = []
        self.redraw()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of rows, for widgets of height ``auto``."""
        self._height_asked = self.count_rows(width, viewport.height)
        return self._height_asked

    def count_rows(self, width: int, height: int) -> int:
        """Return the number of all rows, of which ``height`` are visible at most."""
        return len(self.lines(width, height))

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        # At once, so that no empty widget is painted before its resize event.
        if self._size_made != self.content_size and self.is_mounted:
            self._rows = self._made(self.content_size)
        row = self._rows[y] if y < len(self._rows) else unstyled()
        segments = [Segment(clean(text), self._style(role)) for text, role in row if text]
        return Strip(segments).adjust_cell_length(width, self._style(row[-1][1] if row else ""))

    def place_of(self, event: events.MouseEvent) -> tuple[int, int]:
        """Return the column and the row under the mouse; below 0 on a border or its padding."""
        gutter = self.styles.gutter
        return int(event.x) - gutter.left, int(event.y) - gutter.top

    def notify_style_update(self) -> None:
        """Forget the styles: the theme may have changed."""
        self._styles = {}
        super().notify_style_update()

    def _made(self, size: Size) -> list[Line]:
        self._size_made = size
        narrow = size.width < _NARROWEST
        rows = [] if narrow else list(self.lines(size.width, size.height))[: size.height]
        return rows + [unstyled()] * (size.height - len(rows))

    def _style(self, role: str) -> Style:
        key = (role, self.has_focus)
        if key not in self._styles:
            roles = role.split()
            if "cursor" in roles:
                # No other colour can be read on the ground of the cursor in every theme.
                roles = ["cursor", *(["bold"] if _LOUD.intersection(roles) else [])]
            looks = map(self.app.stylesheet.parse_style, map(LOOKS.__getitem__, roles))
            self._styles[key] = sum(looks, self.visual_style).rich_style
        return self._styles[key]


def underlined(words: str, column: int, width: int, room: int, role: str = "error") -> list[Line]:
    """Return carets from ``column`` on, with ``words`` beside or below them."""
    column = max(0, min(column, room - 1))
    marks = "^" * max(1, min(width, room - column))
    if column + len(marks) + 1 + len(words) <= room:
        return [((f"{'':{column}}{marks} {words}", role),)]
    if len(words) < column:
        return [((f"{words:>{column - 1}} {marks}", role),)]
    below = [((f"  {line}", role),) for line in wrap(words, max(1, room - 2))]
    return [((f"{'':{column}}{marks}", role),), *below]


def with_scrollbar(rows: Sequence[Line], top: int, total: int, width: int) -> list[Line]:
    """Return the visible rows of ``total`` with a scroll bar in the last column."""
    first, last = top * len(rows) // total, (top + len(rows)) * len(rows) // total
    marked: list[Line] = []
    for at, row in enumerate(rows):
        room = width - 1 - sum(len(text) for text, _ in row)
        mark = "┃" if first <= at <= last else " "
        marked.append((*row, (" " * room, row[-1][1]), (mark, "dim")))
    return marked


class TextLines(Lines):
    """A widget that shows the rows it is given."""

    rows: Shown[tuple[Line, ...]] = Shown(())

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return self.rows


LEAST = Size(60, 18)


class TooSmall(Lines):
    """The present and the minimum size of the terminal."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        words = (
            f"{width}x{height}: cnn-tui needs {LEAST.width}x{LEAST.height}",
            keyed("{app.quit} quits"),
        )
        return [unstyled(line[:width]) for line in words]
