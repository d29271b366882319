"""The lesson that is under way: a few rows below the header, or all of it beside a wide screen."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.tui.learn.view import LessonView, beside, strip
from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.lines import Lines, Shown

_HIGH = 30
"""Rows of a terminal that has room for all conditions of a task."""


class LessonPanel(Lines):
    """Shows the task and how much of it is met; as high as it needs to be."""

    view: Shown[LessonView | None] = Shown(None)

    def __init__(self, view: LessonView) -> None:
        super().__init__(id="lesson")
        self.set_reactive(LessonPanel.view, view)

    def redraw(self) -> None:
        self.set_class(self.view is None, "-none")
        super().redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self.view is None:
            return []
        if self.screen.has_class("-beside"):
            return beside(self.view, width, height)
        return strip(self.view, width, low=self.screen.size.height < _HIGH)
