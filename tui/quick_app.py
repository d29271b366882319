"""The base of the app: a fast first paint, and a terminal that may be slow, poor or closed."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from threading import Event, Thread

from textual import events
from textual.actions import ActionParseResult
from textual.app import App
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme

from cnn_tui.tui import screens
from cnn_tui.tui.actions import APP, commands, scopes_of
from cnn_tui.tui.command import key_word
from cnn_tui.tui.refusals import refusal
from cnn_tui.tui.terminal.filters import Printable, filters_for
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.terminal.shutdown import HANG_UP
from cnn_tui.tui.terminal.streams import terminal_is_gone
from cnn_tui.tui.theme import DARK, DARK_16, LIGHT_16, OURS, THEMES, in_16_colors, variables_of
from cnn_tui.tui.type_ahead import KeyPassed, TypeAhead, is_typed
from cnn_tui.tui.words import clean

if sys.platform == "win32":
    _DRIVER = None  # Textual's own, which writes to a console
else:
    from cnn_tui.tui.terminal.driver import ThriftyDriver

    _DRIVER = ThriftyDriver

_MANY_OBJECTS = 20_000
"""Objects made until Python collects garbage by itself, which then takes 15 ms."""
_PAUSE = 0.03
"""Seconds without a key after which it is collected, once the key is painted: 1 ms for what an edit
of 500 layers leaves."""
_TERMINAL_SECONDS = 1.0
"""Seconds between checks that the terminal still exists."""


class QuickApp(App[None], inherit_bindings=False):
    """Paints the screen of ``DEFAULT_MODE``, then imports the other screens, NumPy and plotext."""

    theme_name = ""
    """The theme of ``THEMES`` that is worn; empty until one is."""

    def __init__(self, link: Link) -> None:
        super().__init__(driver_class=_DRIVER)
        self.animation_level = "none"
        self.link = link
        self.type_ahead = TypeAhead(self)
        self._collecting: asyncio.TimerHandle | None = None
        self._line_filters = (Printable(), *filters_for(link))
        for theme in (*OURS, DARK_16, LIGHT_16):
            self.register_theme(theme)
        self.wear(DARK.name, few_colors=link.color == "16")
        self.warm_up = WarmUp(partial(self.call_later, self._read_styles))

    def get_default_screen(self) -> Screen[None]:
        """The screen that is painted first."""
        raise NotImplementedError

    def wear(self, name: str, *, few_colors: bool) -> None:
        """Set the theme before the first style sheet is parsed; a later one parses all again."""
        self.theme_name, self._few_colors = name, few_colors
        self.set_reactive(App.theme, self._worn(name).name)
        self.stylesheet.set_variables(self.get_css_variables())

    def put_on(self, name: str) -> None:
        """Change to one of ``THEMES``."""
        self.theme_name, self.theme = name, self._worn(name).name

    def _worn(self, name: str) -> Theme:
        theme = THEMES[name]
        return in_16_colors(theme) if self._few_colors else theme

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        # Textual asks first for a theme of its own, which nobody sees: to make that one readable
        # would take a tenth of the time to the first paint.
        worn = self.theme_name
        self.theme_variables = variables_of(self.current_theme, variables) if worn else variables
        return self.theme_variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        return (*super().get_line_filters(), *self._line_filters)

    async def on_event(self, event: events.Event) -> None:
        if not is_typed(event):
            await super().on_event(event)
        elif not self.type_ahead.holds(event):
            target = self.focused or self.screen
            await super().on_event(event)
            self.type_ahead.follow(event, target)
            self._collect_soon()

    def _collect_soon(self) -> None:
        """Collect garbage in the pause after a key, not in the middle of a later one."""
        if gc.get_threshold()[0] != _MANY_OBJECTS:
            return
        if self._collecting is not None:
            self._collecting.cancel()
        self._collecting = asyncio.get_running_loop().call_later(_PAUSE, gc.collect, 1)

    def action_say_how_to_quit(self) -> None:
        (leave,) = (command for command in commands(APP) if command.action == "app.leave")
        anywhere = [key for key in leave.keys.split(",") if len(key) > 1]
        also = f", {anywhere[0]} also while text is being typed" if anywhere[:1] else ""
        self.notify(f"{key_word(leave)} quits{also}.")

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action; say why, if its key can do nothing now."""
        if await super().run_action(action, default_namespace, namespaces):
            return True
        reason = refusal(action, *scopes_of(self.screen)) if isinstance(action, str) else ""
        if reason:
            self.notify(reason)
        return bool(reason)

    def on_key_passed(self, event: KeyPassed) -> None:
        event.arrived.set()

    def on_load(self) -> None:
        """Wait for the first paint before anything else, also before keys typed ahead."""
        self.call_later(self._first_paint)

    def on_mount(self) -> None:
        """Register the first screen as a mode; Textual would parse all styles again later."""
        self.add_mode(self.DEFAULT_MODE, self.get_default_screen)
        if not self.is_headless:
            self.set_interval(_TERMINAL_SECONDS, self._see_terminal)

    def _see_terminal(self) -> None:
        # The system sends HUP for the controlling terminal only.
        if terminal_is_gone():
            signal.raise_signal(HANG_UP)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a message literally: brackets in a name or an error are not markup.

        What is still shown is not shown twice, as for a key that is held down.
        """
        words = clean(message)
        if all(shown.message != words for shown in self._notifications):
            super().notify(words, title=title, severity=severity, timeout=timeout, markup=False)

    def on_unmount(self) -> None:
        self.warm_up.end()

    def _handle_exception(self, error: Exception) -> None:
        # A screen that is opened while the app ends gets no widgets, and may miss them.
        if not self._exit:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual's would print a page of the program's inside over the person's terminal.
        self._close_messages_no_wait()

    @property
    def crash(self) -> Exception | None:
        """The error of this program that ended the app; None if there was none."""
        return self._exception

    async def _first_paint(self) -> None:
        # Before that no list has the focus, and its keys would be lost. An app that has to quit
        # before the first paint, as on a closed terminal, would wait for it in vain.
        painted = asyncio.ensure_future(self.screen.wait_for_refresh())
        while self.return_code is None and not painted.done():
            await asyncio.wait({painted}, timeout=0.05)
        self.warm_up.start()

    def _read_styles(self) -> None:
        """Read the styles of the other screens, which would each parse their own."""
        for path in screens.STYLES:
            if not self.stylesheet.has_source(str(path)):
                self.stylesheet.read(path)
        self.stylesheet.parse()


MODULES = (
    "cnn_tui.engine.specs.issues",
    "cnn_tui.engine.specs.quick.complete",
    *(f"{screens.__name__}.{file}" for file in dict.fromkeys(screens.FILES.values())),
    "cnn_tui.engine.runs.recorder",
    "cnn_tui.engine.training.trainer",
    "plotext",
)
"""Everything that a key may need, in about the order of use."""


class WarmUp:
    """Imports ``MODULES`` at most once, then calls ``done``, both on its thread."""

    def __init__(self, done: Callable[[], object]) -> None:
        self._done = done
        self._ending = Event()
        self._thread = Thread(target=self._run, name="warm-up", daemon=True)

    def start(self) -> None:
        """Start importing."""
        self._thread.start()

    def end(self) -> None:
        """Wait for the current import: ending the process inside one may crash it."""
        self._ending.set()
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        try:
            for name in MODULES:
                if self._ending.is_set():
                    return
                import_module(name)
        finally:
            _let_python_collect()
        self._done()


def _let_python_collect() -> None:
    # Only in the app's own process, where collection was disabled.
    if not gc.isenabled():
        # Imported objects stay alive; scanning them would delay a key by 50 ms each time.
        gc.freeze()
        # Rarely: a window that is opened and closed makes thousands of objects, few of them in
        # circles. With the usual thresholds one key in twenty waited 0.2 s (measured, on help).
        gc.set_threshold(_MANY_OBJECTS, 20, 100)
        gc.enable()
