"""A table with a cursor; narrow screens hide its last columns."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.reactive import var

from cnn_tui.tui.rows import Column, Line, Run, TableRow
from cnn_tui.tui.widgets.lines import Lines, Shown, with_scrollbar
from cnn_tui.tui.words import clean, fit

_LONGEST = 76
"""Columns of the text of an empty table, at most."""


class Table(Lines, can_focus=True):
    """Records with a cursor and marks; an empty table says why."""

    DEFAULT_CLASSES = "panel"

    BINDINGS = [
        Binding("up,k", "go(-1)", "Up", show=False),
        Binding("down,j", "go(1)", "Down", show=False),
        Binding("pageup", "go(-10)", "Up ten", show=False),
        Binding("pagedown", "go(10)", "Down ten", show=False),
        Binding("home,g", "go(-100000)", "First", show=False),
        Binding("end,G", "go(100000)", "Last", show=False),
    ]

    class Highlighted(Message):
        """The cursor moved to another record."""

    class Chosen(Message):
        """A record was clicked twice."""

    records: var[tuple[TableRow, ...]] = var((), init=False)
    marked: Shown[frozenset[str]] = Shown(frozenset())
    cursor: Shown[int] = Shown(0)
    empty: Shown[str] = Shown("")
    """The text of an empty table."""

    _top = 0

    def __init__(
        self, columns: Sequence[Column], *, title: str = "", id: str | None = None
    ) -> None:
        """``title`` is that of its frame, where there is room for one."""
        super().__init__(id=id)
        self.columns = columns
        if title:
            self.border_title = title
        self._measured: tuple[object, object, int, dict[int, int]] = (None, None, 0, {})

    @property
    def chosen(self) -> str:
        """The key of the record under the cursor; empty without records."""
        return self.records[self.cursor].key if self.records else ""

    def choose(self, key: str) -> None:
        """Move the cursor to a record, if it exists."""
        keys = [record.key for record in self.records]
        if key in keys:
            self.cursor = keys.index(key)

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.records) - 1))

    def watch_records(self, before: tuple[TableRow, ...], _: tuple[TableRow, ...]) -> None:
        """Show the new records; the cursor stays on its record."""
        if before:
            self.choose(before[min(self.cursor, len(before) - 1)].key)
        self.cursor = self.validate_cursor(self.cursor)
        self.redraw()

    def watch_has_focus(self, focus: bool) -> None:
        super().watch_has_focus(focus)
        self.redraw()

    def action_go(self, by: int) -> None:
        before, self.cursor = self.cursor, self.cursor + by
        if self.cursor != before:
            self.post_message(self.Highlighted())

    def on_click(self, event: events.Click) -> None:
        """Select a record; a second click opens it."""
        _, at = self.place_of(event)
        row = self._top + at - 1
        if at < 1 or row >= len(self.records):
            return
        if row == self.cursor and event.chain > 1:
            self.post_message(self.Chosen())
        self.action_go(row - self.cursor)

    def on_mouse_scroll_down(self) -> None:
        self.action_go(1)

    def on_mouse_scroll_up(self) -> None:
        self.action_go(-1)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        shown = max(1, height - 1)
        self._top = max(0, min(self._top, self.cursor, len(self.records) - shown))
        self._top = max(self._top, self.cursor - shown + 1)
        # The last column of a list that scrolls is that of its scroll bar.
        scrolls = len(self.records) > shown
        kept = self._kept(width - scrolls)
        titles = tuple(column.title for column in self.columns)
        rows: list[Line] = [((self._row("  ", titles, kept, width), "dim"),)]
        if not self.records:
            words = wrap(self.empty, max(8, min(_LONGEST, width - 4)))
            above: list[Line] = [()] * max(2, (height - len(words)) // 3 + 1)
            return [*above, *(((line.center(width).rstrip(), "dim"),) for line in words)]
        visible = enumerate(self.records[self._top : self._top + shown], start=self._top)
        lines = [self._line(at, record, kept, width - scrolls) for at, record in visible]
        if scrolls:
            lines = with_scrollbar(lines, self._top, len(self.records), width)
        return [*rows, *lines]

    def _kept(self, width: int) -> dict[int, int]:
        """Return the widths of the columns; measured again only for other records."""
        columns, records, known, kept = self._measured
        if columns is not self.columns or records is not self.records or known != width:
            kept = _fitting(self.columns, self.records, width)
            self._measured = (self.columns, self.records, width, kept)
        return kept

    def _line(self, at: int, record: TableRow, kept: dict[int, int], width: int) -> Line:
        here, marked = at == self.cursor, record.key in self.marked
        flag = (">" if here else " ") + ("+" if marked else " ")
        if here:
            role = f"{'cursor' if self.has_focus else 'idle'} {record.role}"
            return ((self._row(flag, record.cells, kept, width), role),)
        runs = [(flag, record.role)]
        for at, room in kept.items():
            role = record.role if at == 0 else self.columns[at].role or record.role
            runs += [(self._cell(record.cells[at], at, room), role), ("  ", record.role)]
        return _cut(runs[:-1], width)

    def _row(self, flag: str, cells: Sequence[str], kept: dict[int, int], width: int) -> str:
        texts = [self._cell(cells[at], at, room) for at, room in kept.items()]
        return fit(f"{flag}{'  '.join(texts)}", width)

    def _cell(self, text: str, at: int, room: int) -> str:
        return text.rjust(room) if self.columns[at].right else fit(clean(text), room)


def _cut(runs: list[Run], width: int) -> Line:
    """Return as much of a row as there is room for."""
    cut: list[Run] = []
    for text, role in runs:
        left = width - sum(len(shown) for shown, _ in cut)
        if left > 0:
            cut.append((text if len(text) <= left else fit(text, left), role))
    return tuple(cut)


def _fitting(columns: Sequence[Column], records: Sequence[TableRow], width: int) -> dict[int, int]:
    """Return the visible columns with their widths; at last the first column is narrowed."""
    widest = {
        at: max([len(column.title), *(len(record.cells[at]) for record in records)])
        for at, column in enumerate(columns)
    }
    widths = {at: min(wide, columns[at].most) for at, wide in widest.items()}
    while sum(widths.values()) + 2 * len(widths) > width:
        last = max(widths, key=lambda at: (columns[at].rank, at))
        if columns[last].rank == 0:
            over = sum(widths.values()) + 2 * len(widths) - width
            first = next(iter(widths))
            return {**widths, first: max(8, widths[first] - over)}
        del widths[last]
    for at in widths:
        spare = width - sum(widths.values()) - 2 * len(widths)
        widths[at] += min(spare, widest[at] - widths[at])
    return widths
