"""A line of text whose cursor stands still."""

from __future__ import annotations

from textual.widgets import Input


class EntryInput(Input):
    """An input for layers in words."""

    def on_mount(self) -> None:
        """A cursor that blinks sends something over the link each time."""
        self.cursor_blink = False
