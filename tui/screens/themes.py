"""The dialog for the theme: the app wears each that is highlighted."""

from __future__ import annotations

from collections.abc import Callable

from cnn_tui.tui.rows import Item
from cnn_tui.tui.screens.dialog import Picker
from cnn_tui.tui.theme import OURS, THEMES


class ThemePicker(Picker):
    """Returns the name of a theme; escape puts on the one from before."""

    def __init__(self, wear: Callable[[str], None], worn: str) -> None:
        """``wear`` is called with the name of each theme that is highlighted."""
        super().__init__("Theme", [Item(name, _words(name)) for name in THEMES])
        self._wear, self._before = wear, worn

    def filter(self, text: str) -> None:
        """Begin with the theme that is worn, not with the first of the list."""
        super().filter(text)
        if not text:
            self.choices.highlighted = list(THEMES).index(self._before)

    def highlight(self, key: str) -> None:
        if key == self.highlighted:  # not one that the list has left since
            super().highlight(key)
            self._wear(key)

    def action_finish(self, result: str | None = None) -> None:
        self._wear(result or self._before)
        super().action_finish(result)


def _words(name: str) -> str:
    theme = THEMES[name]
    ground = "dark" if theme.dark else "light"
    if theme.ansi:
        return f"{ground}, in the terminal's own 16 colours"
    if theme not in OURS:
        return ground
    return {"cnn-tui": "dark, the default", "cnn-tui-light": "light"}.get(name, "high contrast")
