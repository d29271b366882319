"""The state of the app: what is built, the run under way, and how both get onto the screen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual import events, on
from textual.app import App
from textual.filter import LineFilter
from textual.theme import Theme

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.places import runs_home
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.events import Alert
from cnn_tui.tui import screens
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.building.outline import recipe_words
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.run_view import RunView, view_of
from cnn_tui.tui.dashboard.usage import Usage
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.session import Session
from cnn_tui.tui.terminal.driver import ThriftyDriver
from cnn_tui.tui.terminal.filters import filters_for
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.theme import DARK, DARK_16
from cnn_tui.tui.warm_up import WarmUp
from cnn_tui.tui.widgets.header import Heading
from cnn_tui.tui.words import clean, times

_VERDICTS = ("same-bits", "other-bits", "compared")
"""What a run says at its end that repeats another."""


class AppState(App[None], inherit_bindings=False):
    """One document, one session and one folder of runs; shown as often as they change."""

    DEFAULT_MODE = "build"

    def __init__(
        self, network: Network, source: Path | None, session: Session, link: Link | None = None
    ) -> None:
        super().__init__(driver_class=ThriftyDriver)
        self.link = link or Link()
        self.wear(DARK_16 if self.link.color == "16" else DARK)
        self._line_filters = filters_for(self.link)
        self.animation_level = "none"
        self.session = session
        self.builder = Builder(Document(network, source))
        self.board = Board()
        self._earlier: Board | None = None
        self._taken_up: Network | None = None
        """What is trained, where that is a run of the history and not what is built."""
        self._usage = Usage()
        self._used = ""
        self._run = RunView()
        self.runs_dir = runs_home()
        self.data_dir: Path | None = None
        self.watched: RunFolder | None = None
        """The run to begin with."""
        self.warm_up = WarmUp(partial(self.call_later, self._read_styles))
        self.add_mode("train", lambda: screens.TrainScreen(self.board, self._run))
        self.add_mode("runs", lambda: screens.RunsScreen(self.runs_dir))

    def get_default_screen(self) -> BuildScreen:
        """The screen to begin with."""
        return BuildScreen(self.builder)

    def wear(self, theme: Theme) -> None:
        """Set the theme before the first style sheet is parsed; a later one parses all again."""
        self.register_theme(theme)
        self.set_reactive(App.theme, theme.name)
        self.stylesheet.set_variables(self.get_css_variables())

    def _read_styles(self) -> None:
        """Have the styles of the other screens ready, which would each read their own."""
        for path in screens.STYLES:
            if not self.stylesheet.has_source(str(path)):
                self.stylesheet.read(path)
        self.stylesheet.parse()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What lines pass before they are sent."""
        return (*super().get_line_filters(), *self._line_filters)

    def on_print(self, event: events.Print) -> None:
        """Put what any code prints into the log, as on the screen it would break the picture."""
        self.board.take_print(event.text)

    def look(self) -> None:
        """Fold the news into the board and show them, if there are any."""
        news = self.take_news()
        if news:
            self._used = self._usage.words()
        run = view_of(
            self.board,
            active=self.session.active,
            pausing=self.session.paused,
            stopping=self.session.stopping,
            usage=self._used,
        )
        if news or run != self._run:
            self._run = run
            self.present()

    def take_news(self) -> bool:
        """Fold what the run has told since the last time into the board."""
        events = self.session.drain()
        for event in events:
            self.board.fold(event)
            if isinstance(event, Alert) and event.code in _VERDICTS:
                self.notify(f"{event.message} C compares both.", markup=False, timeout=20)
        return bool(events)

    @on(BuildScreen.Changed)
    def present(self) -> None:
        """Bring what the mode shows up to date."""
        if not self.screen_stack:
            return
        screen = self.screen_stack[0]
        if isinstance(screen, ModeScreen):
            screen.heading = self._heading()
        # The mode first: to name the Train screen is to import it.
        if self.current_mode == "train" and isinstance(screen, screens.TrainScreen):
            screen.present(self.board, self._run, self._idle_words(), self._earlier)
        self.screen.refresh_bindings()

    def _heading(self) -> Heading:
        document = self.builder.document
        network = document.network
        name = clean(network.name) + ("*" if document.dirty else "")
        data = f"{clean(network.data)} {times(network.input)}"
        return Heading(name, data, self._run.summary)

    def _idle_words(self) -> str:
        network = self.builder.network
        return (
            f"{clean(network.name)} on {clean(network.data)}: {recipe_words(network.training)}. F5 "
            "starts, t changes the recipe, p checks whether it can learn, f finds a learning rate."
        )

    def action_mode(self, mode: str) -> None:
        """Go to a mode."""
        self.switch_mode(mode)
        self.call_later(self.present)
