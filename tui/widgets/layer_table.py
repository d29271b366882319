"""The list of layers: what each is, what comes out of it, what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.reactive import reactive

from cnn_tui.tui.outline import Row
from cnn_tui.tui.widgets.lines import Line, Lines
from cnn_tui.tui.words import compact, fit

WIDE = 76
"""Columns from which the costs beyond parameters are shown as well."""
MOST_SETTINGS = 24
NARROW = 44
"""Columns below which the settings are left to the form."""


class LayerTable(Lines, can_focus=True):
    """Rows to choose from; the heading stays while the rest scrolls."""

    BINDINGS = [
        Binding("up,k", "go(-1)", "Up", show=False),
        Binding("down,j", "go(1)", "Down", show=False),
        Binding("pageup", "go(-10)", "Up ten", show=False),
        Binding("pagedown", "go(10)", "Down ten", show=False),
        Binding("home,g", "go(-100000)", "First", show=False),
        Binding("end,G", "go(100000)", "Last", show=False),
    ]

    class Highlighted(Message):
        """The cursor went to another row."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    class EditRequested(Message):
        """The row under the cursor is to be edited."""

    rows: reactive[tuple[Row, ...]] = reactive((), init=False)
    cursor: reactive[int] = reactive(0, init=False)

    _top = 0

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, len(self.rows) - 1))

    def watch_rows(self) -> None:
        """Show the new rows; the cursor stays where there is still one."""
        self.cursor = self.validate_cursor(self.cursor)
        self.redraw()

    def watch_cursor(self) -> None:
        """Show where the cursor is."""
        self.redraw()

    def watch_has_focus(self, focus: bool) -> None:
        """The cursor's row is lit only while keys go to it."""
        super().watch_has_focus(focus)
        self.redraw()

    def action_go(self, by: int) -> None:
        """Move the cursor."""
        self._choose(self.cursor + by)

    def on_click(self, event: events.Click) -> None:
        """Choose a row; a second click edits it."""
        row = self._top + event.y - 1
        if event.y < 1 or row >= len(self.rows):
            return
        if row == self.cursor and event.chain > 1:
            self.post_message(self.EditRequested())
        self._choose(row)

    def on_mouse_scroll_down(self) -> None:
        """Scroll by moving the cursor, which is always in sight."""
        self.action_go(1)

    def on_mouse_scroll_up(self) -> None:
        """Scroll by moving the cursor, which is always in sight."""
        self.action_go(-1)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Heading, then as many rows as fit around the cursor."""
        columns = _Columns(width, self.rows)
        shown = max(1, height - 1)
        self._top = max(0, min(self._top, self.cursor, len(self.rows) - shown))
        self._top = max(self._top, self.cursor - shown + 1)
        visible = enumerate(self.rows[self._top : self._top + shown], start=self._top)
        return [columns.heading(), *(self._line(columns, at, row) for at, row in visible)]

    def _line(self, columns: _Columns, at: int, row: Row) -> Line:
        if at != self.cursor:
            return columns.line(row)
        lit = "cursor" if self.has_focus else "idle"
        # On the bar of the cursor only what is wrong keeps its colour.
        kept = {"error": " error", "warn": " warn"}
        return tuple((text, lit + kept.get(role, "")) for text, role in columns.line(row, ">"))

    def _choose(self, row: int) -> None:
        before, self.cursor = self.cursor, row
        if self.cursor != before:
            self.post_message(self.Highlighted(self.cursor))


class _Columns:
    """Widths of the columns, and rows laid out in them."""

    def __init__(self, width: int, rows: tuple[Row, ...]) -> None:
        self.number = max((3, *(len(row.number) for row in rows)))
        self.title = max((9, *(len(row.title) for row in rows)))
        self.costs = width >= WIDE
        fixed = (
            1 + self.number + 1 + self.title + 1 + 1 + 2 + 11 + 8 + (14 if self.costs else 0) + 1
        )
        self.settings = min(MOST_SETTINGS, max(0, width - fixed)) if width >= NARROW else 0
        self.width = width

    def heading(self) -> Line:
        costs = f"{'MACs':>8}{'rf':>6}" if self.costs else ""
        text = (
            f" {'#':>{self.number}} {fit('layer', self.title)} "
            f"{fit('settings', self.settings) + ' ' if self.settings else ''}"
            f"  {'output':<11}{'params':>8}{costs}"
        )
        return ((fit(text, self.width), "dim"),)

    def line(self, row: Row, marker: str = " ") -> Line:
        start = f"{marker}{row.number:>{self.number}} "
        if row.kind in ("loss", "training"):
            rest = fit(row.settings, max(0, self.width - len(start) - self.title - 1))
            return ((start, "dim"), (f"{fit(row.title, self.title)} ", "accent"), (rest, "dim"))
        words = " ".join(row.settings.split())
        settings = f"{fit(words, self.settings)} " if self.settings else ""
        return (
            (start, "dim"),
            (f"{fit(row.title, self.title)} ", "accent" if row.kind == "input" else ""),
            (settings, "dim" if row.kind == "input" else ""),
            *self._result(row),
        )

    def _result(self, row: Row) -> Line:
        if row.broken:
            words = f"! {row.output or 'does not fit'}" if row.has_issue else "."
            rest = fit(words, 21 + (14 if self.costs else 0))
            return ((rest, "error" if row.has_issue else "faint"),)
        flag = ("! ", "warn") if row.has_issue else ("  ", "")
        params = compact(row.params, 8) if row.params else ""
        return (flag, (fit(row.output, 11), ""), (f"{params:>8}", ""), *self._costs(row))

    def _costs(self, row: Row) -> Line:
        if not self.costs:
            return ()
        macs = compact(row.macs) if row.macs else ""
        field = "" if row.receptive_field is None else str(row.receptive_field)
        return ((f"{macs:>8}{field:>6}", "dim"),)
