"""The base of almost every widget here: rows of styled text of which only the changed are sent.

Textual resends the whole region of a widget that is refreshed. Over a slow link that is the cost
of the screen, so these widgets compare their rows with the ones before and refresh the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

Run = tuple[str, str]
"""Text and its role: names of component classes without their prefix, such as ``cursor dim``."""

Line = tuple[Run, ...]

ROLES = ("dim", "faint", "accent", "strong", "warn", "error", "good", "bar", "cursor", "idle")


def plain(text: str = "") -> Line:
    """A row without any styling."""
    return ((text, ""),)


class Lines(Widget):
    """Rows made by :meth:`lines` from the widget's data and size."""

    COMPONENT_CLASSES = {f"lines--{role}" for role in ROLES}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Line] = []
        self._styles: dict[tuple[str, bool], Style] = {}

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The rows that fit into ``width`` columns and ``height`` rows."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Make the rows again and send those that changed."""
        size = self.content_size
        if not self.is_mounted or not size:
            return
        rows = list(self.lines(size.width, size.height))[: size.height]
        rows += [plain()] * (size.height - len(rows))
        changed = [y for y, row in enumerate(rows) if y >= len(self._rows) or row != self._rows[y]]
        self._rows = rows
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
        row = self._rows[y] if y < len(self._rows) else plain()
        segments = [Segment(text, self._style(role)) for text, role in row if text]
        return Strip(segments).adjust_cell_length(width, self._style(row[-1][1] if row else ""))

    def notify_style_update(self) -> None:
        """The theme may be another one."""
        self._styles = {}
        super().notify_style_update()

    def _style(self, role: str) -> Style:
        key = (role, self.has_focus)
        if key not in self._styles:
            names = (f"lines--{name}" for name in role.split())
            self._styles[key] = self.get_visual_style(*names).rich_style
        return self._styles[key]
