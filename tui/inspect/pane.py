"""The widgets of Inspect: the list of views, and the one that draws a view."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.style import Style
from textual.binding import Binding
from textual.message import Message

from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.link import Form
from cnn_tui.tui.widgets.lines import Lines, Shown
from cnn_tui.tui.widgets.table import Table


class InspectPane(Lines):
    """Shows a page of what a view has found, or a sentence where there is nothing."""

    class PagesCounted(Message):
        """The number of pages has changed."""

    can_focus = True
    BINDINGS = [
        Binding(key, f"move({down}, {across})", show=False)
        for key, down, across in (
            ("up", -1, 0),
            ("down", 1, 0),
            ("left", 0, -1),
            ("right", 0, 1),
        )
    ]

    seen: Shown[Seen | None] = Shown(None)
    words: Shown[str] = Shown("")
    """Stands in place of a view."""
    page: Shown[int] = Shown(0)
    chosen: Shown[int | None] = Shown(None)
    zoom: Shown[int] = Shown(0)
    layer_drawn: Shown[str] = Shown("")

    class Moved(Message):
        """An arrow key was pressed while the pane had the focus."""

        def __init__(self, down: int, across: int) -> None:
            super().__init__()
            self.down, self.across = down, across

    drawn = Drawn(())
    """The lines that were drawn last."""

    def __init__(self, form: Form, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._form = form

    def canvas(self, width: int, height: int) -> Canvas:
        """Return the room and what is drawn of the view."""
        view = (self.page, self.chosen, self.zoom, self.layer_drawn)
        ground = round(255 * self.background_colors[1].brightness)
        return Canvas(width, height, self._form, *view, ground)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self.seen is None:
            blank: list[Line] = [()] * max(0, height // 2 - 2)
            texts = wrap(self.words, max(8, width - 4))
            return [*blank, *(((text.center(width), "dim"),) for text in texts)]
        before, self.drawn = self.drawn, self.seen.drawn(self.canvas(width, height))
        if self.drawn.pages != before.pages:
            self.post_message(self.PagesCounted())
        return self.drawn.lines

    def zoomed(self, by: int) -> bool:
        """Draw larger or smaller pictures; returns whether they can be."""
        before = self.drawn.lines
        self.zoom += by
        if self.drawn.lines == before:
            self.zoom -= by
        return self.drawn.lines != before

    def action_move(self, down: int, across: int) -> None:
        self.post_message(self.Moved(down, across))

    def notify_style_update(self) -> None:
        """Draw again: the ground of pictures is that of the theme."""
        self._size_made = None
        super().notify_style_update()

    def _style(self, role: str) -> Style:
        if not role.startswith("#"):
            return super()._style(role)
        # Imported at the first picture: it needs NumPy.
        from cnn_tui.tui.terminal.half_blocks import style_of

        return self.visual_style.rich_style + style_of(role)


class ViewList(Table, inherit_bindings=False):
    """The list of views; pages belong to the view."""

    BORDER_TITLE = "views"

    BINDINGS = [
        Binding("up", "go(-1)", "Up", show=False),
        Binding("down", "go(1)", "Down", show=False),
        Binding("home", "go(-100)", "First", show=False),
        Binding("end", "go(100)", "Last", show=False),
    ]
