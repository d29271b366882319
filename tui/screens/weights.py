"""First-layer weights of a run as pictures: templates of classes, of units, or filters."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.actions import WEIGHTS
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.rows import Line
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from cnn_tui.engine.export.templates import Templates

_SIDES = {False: 12, True: 16}
"""Longest side of a picture in characters, on low and on high screens."""


class Weights(Vertical):
    """A description and the pictures; reads the run on a thread."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run = ""

    def compose(self) -> ComposeResult:
        yield TextLines(id="weights-words")
        with VerticalScroll(id="weights-room", can_focus=False):
            yield Static(id="templates")

    def say(self, words: str) -> None:
        """Show a text instead of weights."""
        self.clear()
        self._tell(words)

    def clear(self, rows: tuple[Line, ...] = ()) -> None:
        """Show rows instead of weights."""
        self._run = ""
        self.query_one("#templates", Static).update("")
        self.query_one("#weights-words", TextLines).rows = rows

    def read(self, folder: RunFolder) -> None:
        """Show the weights of a run."""
        self.say("reading the weights...")
        self._run = folder.name

        def work() -> Templates:
            # Imported late: NumPy is loaded only when there is something to show.
            from cnn_tui.engine.export.states import read_state
            from cnn_tui.engine.export.templates import first_layer

            return first_layer(read_state(folder))

        run_in_thread(self, work, self._draw, self._fail)

    def _draw(self, templates: Templates) -> None:
        from cnn_tui.tui.samples import looks_in, template_sheet, template_words

        if self.is_mounted and templates.run == self._run:
            looks = looks_in(self.app, _SIDES[self.app.size.height >= 36])
            self._tell(*template_words(templates, looks.form).split("; "))
            self.query_one("#templates", Static).update(template_sheet(templates, looks))

    def _fail(self, error: CnnTuiError) -> None:
        if self.is_mounted:
            self.say(str(error))

    def _tell(self, *parts: str) -> None:
        """Show parts of a sentence in a line if they fit, else each from a line of its own."""
        # What was hidden has no width yet; it is as wide as the screen.
        room = max(20, (self.size.width or self.app.size.width) - 2)
        whole = clean("; ".join(parts))
        each = [whole] if len(whole) <= room else map(clean, parts)
        lines = [line for part in each for line in wrap(part, room)]
        text = self.query_one("#weights-words", TextLines)
        text.rows = tuple(((f" {line}", "dim"),) for line in lines)

    @property
    def room(self) -> VerticalScroll:
        """What scrolls."""
        return self.query_one(VerticalScroll)


class WeightsScreen(ModeScreen):
    """The weights of one run on a screen of their own."""

    CSS_PATH = "runs.tcss"
    MODE = "runs"
    SCOPES = (WEIGHTS,)
    BINDINGS = bindings(WEIGHTS)

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self._folder = folder

    def compose_body(self) -> ComposeResult:
        yield Weights()

    def on_mount(self) -> None:
        super().on_mount()
        self.heading = Heading("first-layer weights", clean(self._folder.name))
        self.query_one(Weights).read(self._folder)

    def action_scroll(self, by: int) -> None:
        self.scroll_rows(self.query_one(Weights).room, by)
