"""An app whose first paint comes soon: what the first screen does not need is loaded behind it."""

from __future__ import annotations

import asyncio
from functools import partial

from textual.app import App
from textual.screen import Screen
from textual.theme import Theme

from cnn_tui.tui import screens
from cnn_tui.tui.terminal.driver import ThriftyDriver
from cnn_tui.tui.warm_up import WarmUp


class QuickApp(App[None], inherit_bindings=False):
    """Paints the screen of ``DEFAULT_MODE``, then loads the other screens, NumPy and plotext."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(driver_class=ThriftyDriver)
        self.animation_level = "none"
        self.wear(theme)
        self.warm_up = WarmUp(partial(self.call_later, self._read_styles))

    def get_default_screen(self) -> Screen[None]:
        """Return the screen that is painted first."""
        raise NotImplementedError

    def wear(self, theme: Theme) -> None:
        """Set the theme before the first style sheet is parsed; a later one parses all again."""
        self.register_theme(theme)
        self.set_reactive(App.theme, theme.name)
        self.stylesheet.set_variables(self.get_css_variables())

    def on_load(self) -> None:
        """Let the first paint be the first thing that is waited for, also by keys typed ahead."""
        self.call_later(self._first_paint)

    def on_mount(self) -> None:
        """Make the first screen a mode, now: Textual parses all styles again for one it knows."""
        self.add_mode(self.DEFAULT_MODE, self.get_default_screen)

    def on_unmount(self) -> None:
        """Leave nothing behind that is still being loaded."""
        self.warm_up.end()

    async def _first_paint(self) -> None:
        # Before that no list has the focus, and a key for it would be lost. Whoever has to leave
        # before the first paint, as on a terminal that has gone, would wait for it in vain.
        painted = asyncio.ensure_future(self.screen.wait_for_refresh())
        while self.return_code is None and not painted.done():
            await asyncio.wait({painted}, timeout=0.05)
        self.warm_up.start()

    def _read_styles(self) -> None:
        """Have the styles of the other screens ready, which would each read their own."""
        for path in screens.STYLES:
            if not self.stylesheet.has_source(str(path)):
                self.stylesheet.read(path)
        self.stylesheet.parse()
