"""The lesson that is under way: a few rows below the header, or all of it beside a wide screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size

from cnn_tui.tui.learn.view import LessonView, beside, strip
from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.lines import Lines, Shown

_HIGH = 30
"""Rows of a terminal that has room for all conditions of a task."""
_BESIDE = Size(160, 40)
"""The least terminal that has room for the whole text beside its screens."""


class LessonPanel(Lines):
    """Shows the task and how much of it is met; as high as it needs to be."""

    view: Shown[LessonView | None] = Shown(None)

    def __init__(self, view: LessonView | None) -> None:
        super().__init__(id="lesson")
        self.set_reactive(LessonPanel.view, view)

    def fit(self, screen: Size) -> None:
        """Stand beside a wide screen, below the header of any other."""
        is_wide = screen.width >= _BESIDE.width and screen.height >= _BESIDE.height
        self.set_class(is_wide, "-beside")

    def redraw(self) -> None:
        self.display = self.view is not None
        size = self.content_size
        is_high = not self.has_class("-beside") and len(self.lines(size.width, 0)) != size.height
        if size and is_high:
            self.refresh(layout=True)
        super().redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None:
            return []
        if self.has_class("-beside"):
            return beside(self.view, width)
        return strip(self.view, width, low=self.screen.size.height < _HIGH)
