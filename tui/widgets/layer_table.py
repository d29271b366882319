"""The list of layers: settings, output and costs."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.reactive import var

from cnn_tui.tui.building.outline import Row
from cnn_tui.tui.rows import Line, block_bar
from cnn_tui.tui.widgets.lines import Lines, Shown, with_scrollbar
from cnn_tui.tui.words import compact, fit

FLAG, OUTPUT, PARAMS, MACS, FIELD = 2, 11, 8, 8, 6
"""Widths of the columns that are equal for all networks."""
WIDE = 76
"""The width from which costs beyond parameters are shown."""
LEAST_SETTINGS, MOST_SETTINGS, LONG_SETTINGS = 8, 24, 40
"""Columns of the settings: at least, usually, and where there is room for longer ones."""
CLOSE = 10
"""Below this width, settings stand right after the name: a column would cut nearly all."""
SHORT_PARAMS = 6
"""The width of rounded parameters, so that settings have some room."""
BAR = 5
"""Width of the bars of parameters and of multiply-adds, where there is room for both."""
TITLE = 9
MOST_NUMBER, MOST_GUIDE = 8, 4
"""Columns of the number and of the lines of the tree: of deeper rows the end is shown."""
FOLDED, UNFOLDED = "▸", "▾"
NARROW = 44
"""The width below which settings and parameters are left to the form."""


class LayerTable(Lines, can_focus=True):
    """Selectable rows below a heading that does not scroll."""

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "layers"

    BINDINGS = [
        Binding("up,k", "go(-1)", "Up", show=False, priority=True),
        Binding("down,j", "go(1)", "Down", show=False, priority=True),
        Binding("pageup", "go(-10)", "Up ten", show=False, priority=True),
        Binding("pagedown", "go(10)", "Down ten", show=False, priority=True),
        Binding("home,g", "go(-100000)", "First", show=False, priority=True),
        Binding("end,G", "go(100000)", "Last", show=False, priority=True),
    ]

    class Highlighted(Message):
        """The cursor moved to another row."""

        def __init__(self, row: int, extend: bool = False) -> None:
            super().__init__()
            self.row = row
            self.extend = extend

    class EditRequested(Message):
        """The row under the cursor was clicked twice."""

    class FoldRequested(Message):
        """The mark of the block under the cursor was clicked."""

    rows: var[tuple[Row, ...]] = var((), init=False)
    cursor: Shown[int] = Shown(0)
    marked: frozenset[int] = frozenset()
    """Rows that are selected together, or previewed."""

    _top = 0
    _columns: _Columns | None = None

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.rows) - 1))

    def watch_rows(self) -> None:
        """Show the new rows; the cursor stays on an existing one."""
        self.cursor = self.validate_cursor(self.cursor)
        self.redraw()

    def watch_has_focus(self, focus: bool) -> None:
        super().watch_has_focus(focus)
        self.redraw()

    def action_go(self, by: int) -> None:
        self._choose(self.cursor + by)

    def on_click(self, event: events.Click) -> None:
        """Select a row; a second click edits it."""
        x, at = self.place_of(event)
        row = self._top + at - 1
        if at < 1 or row >= len(self.rows):
            return
        is_mark = self._columns is not None and x == self._columns.mark
        if row == self.cursor and event.chain > 1 and not is_mark:
            self.post_message(self.EditRequested())
        self._choose(row, extend=event.shift)
        if is_mark and self.rows[row].folded is not None:
            self.post_message(self.FoldRequested())

    def on_mouse_scroll_down(self) -> None:
        self.action_go(1)

    def on_mouse_scroll_up(self) -> None:
        self.action_go(-1)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        columns = self._columns
        if columns is None or columns.width != width or columns.rows is not self.rows:
            columns = self._columns = _Columns(width, self.rows)
        shown = max(1, height - 1)
        self._top = max(0, min(self._top, self.cursor, len(self.rows) - shown))
        self._top = max(self._top, self.cursor - shown + 1)
        visible = enumerate(self.rows[self._top : self._top + shown], start=self._top)
        rows = [self._line(columns, at, row) for at, row in visible]
        if len(self.rows) > shown:
            rows = with_scrollbar(rows, self._top, len(self.rows), width)
        return [columns.heading(), *rows]

    def reveal(self, count: int) -> None:
        """Scroll so that as many of the next ``count`` rows are visible as fit below the cursor."""
        last = min(self.cursor + count, len(self.rows) - 1)
        self._top = max(self._top, min(self.cursor, last - self.content_size.height + 2))
        self.redraw()

    def _line(self, columns: _Columns, at: int, row: Row) -> Line:
        if at != self.cursor and at not in self.marked:
            return columns.line(row)
        if at != self.cursor:
            return tuple((text, f"idle {role}") for text, role in columns.line(row, "+"))
        lit = "cursor" if self.has_focus else "idle"
        # On the cursor's row only errors and warnings keep their colour.
        kept = {"error": " error", "warn": " warn"}
        return tuple((text, lit + kept.get(role, "")) for text, role in columns.line(row, ">"))

    def _choose(self, row: int, extend: bool = False) -> None:
        before, self.cursor = self.cursor, row
        if self.cursor != before:
            self.post_message(self.Highlighted(self.cursor, extend))


class _Columns:
    """The widths of the columns; columns without room are hidden."""

    def __init__(self, width: int, rows: tuple[Row, ...]) -> None:
        self.width, self.rows = width, rows
        self.number = max((3, *(min(len(row.number), MOST_NUMBER) for row in rows)))
        self.mark = self.number + 1
        """The column of the marks of blocks."""
        # A longer name takes the column of the settings as well.
        most = max((len(row.title) for row in rows if row.settings), default=0)
        name = max(TITLE, most) if width >= WIDE else TITLE
        self.title = name + max((len(_guide(row)) for row in rows), default=0)
        # One column each for the marker, three gaps and the scroll bar.
        taken = self.number + self.title + FLAG + OUTPUT + 5
        self.params = _params_width(width, width - taken)
        self.costs = MACS + FIELD if width >= WIDE else 0
        taken += self.params + self.costs
        briefs = [len(row.settings.replace(" s1", "", 1)) for row in rows if row.path]
        needed = min(MOST_SETTINGS, max((8, *briefs)))
        # Names may be shortened, or reach into their settings, before settings are cut.
        spare = min(name - TITLE, max(0, needed - (width - taken)))
        self.title, taken = self.title - spare, taken - spare
        room = width - taken - 2 * (BAR + 2)
        self.bars = self.costs > 0 and room >= needed
        longest = max((len(row.settings) for row in rows if row.path), default=0)
        most_settings = min(LONG_SETTINGS, max(MOST_SETTINGS, longest))
        self.settings = min(most_settings, max(0, room if self.bars else width - taken))
        if width < NARROW:
            self.settings = 0
        self.close = 0 < self.settings < CLOSE
        """Whether settings stand right after the name rather than in a column."""
        self.most_params = max((row.params for row in rows), default=0)
        self.most_macs = max((row.macs for row in rows), default=0)

    def heading(self) -> Line:
        words = f"{'layer':<{self.title}} {self._settings('settings')}"
        if self.close:
            words = f"{'layer settings':<{len(words)}}"
        text = (
            f" {'#':>{self.number}} {words}"
            f"{'':{FLAG}}{'output':<{OUTPUT}}{self._right('params', self.params)}"
        )
        if self.costs:
            gap = f"{'':{BAR + 2}}" if self.bars else ""
            text += f"{gap}{'MACs':>{MACS}}{gap}{'rf':>{FIELD}}"
        return ((text, "dim"),)

    def line(self, row: Row, marker: str = " ") -> Line:
        shown = row.number[-MOST_NUMBER:]
        fold = " " if row.folded is None else FOLDED if row.folded else UNFOLDED
        start = f"{marker}{shown:>{self.number}}{fold}"
        if row.kind in ("loss", "training"):
            rest = fit(row.settings, max(0, self.width - len(start) - self.title - 1))
            return ((start, "dim"), (f"{fit(row.title, self.title)} ", "accent"), (rest, "dim"))
        title, rest = self._words(row)
        return (
            (start, "dim"),
            (_guide(row), "dim"),
            (title, "accent" if row.kind == "input" else row.look),
            (rest, "" if row.kind == "layer" and row.folded is None else "dim"),
            *self._result(row),
        )

    def _words(self, row: Row) -> tuple[str, str]:
        """Title and settings; what has no room of its own takes that of the other."""
        room, rest = self.title - len(_guide(row)), self._settings(row.settings)
        brief = _brief(" ".join(row.settings.split()), self.settings)
        is_tree = row.kind in ("branch", "shortcut") or row.folded is not None
        lacks = is_tree and len(brief) > self.settings
        if self.close or lacks or len(row.title) > room:
            both = fit(f"{row.title} {brief}", room + len(rest)) + " "
            return both[: len(row.title) + 1], both[len(row.title) + 1 :]
        return f"{fit(row.title, room)} ", rest

    def _settings(self, words: str) -> str:
        if not self.settings:
            return ""
        words = " ".join(words.split())
        if len(words) > self.settings:
            words = _brief(words, self.settings)
        return f"{fit(words, self.settings)} "

    def _right(self, words: str, width: int) -> str:
        return f"{words:>{width}}" if width else ""

    def _result(self, row: Row) -> Line:
        if row.broken:
            words = f"! {row.output or 'does not fit'}" if row.has_issue else "."
            rest = fit(words, FLAG + OUTPUT + self.params + self.costs)
            return ((rest, "error" if row.has_issue else "faint"),)
        params = compact(row.params, self.params) if row.params else ""
        return (
            ("! " if row.has_issue else "  ", "warn"),
            (fit(row.output, OUTPUT) + self._right(params, self.params), ""),
            *self._costs(row),
        )

    def _costs(self, row: Row) -> Line:
        if not self.costs:
            return ()
        macs = compact(row.macs) if row.macs else ""
        field = "" if row.receptive_field is None else str(row.receptive_field)
        return (
            *self._bar(row, row.params, self.most_params),
            (f"{macs:>{MACS}}", "dim"),
            *self._bar(row, row.macs, self.most_macs),
            (f"{field:>{FIELD}}", "dim"),
        )

    def _bar(self, row: Row, value: int, most: int) -> Line:
        if not self.bars:
            return ()
        return ((f" {block_bar(value / max(1, most), BAR)} ", row.look),)


def _params_width(width: int, room: int) -> int:
    """The column of parameters: rounded rather than with no room for the settings."""
    if width < NARROW or room < SHORT_PARAMS:
        return 0
    return PARAMS if room - PARAMS >= LEAST_SETTINGS else SHORT_PARAMS


def _guide(row: Row) -> str:
    return row.guide[-MOST_GUIDE:]


def _brief(settings: str, width: int) -> str:
    """Leave out defaults until the rest fits: a stride of 1, no padding, concatenation."""
    for default in (" s1", "concat ", " p0"):
        if len(settings) > width:
            settings = settings.replace(default, "", 1)
    return settings
