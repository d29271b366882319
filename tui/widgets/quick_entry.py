"""The line for typing layers, with completions and errors below it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.tui.rows import Line, Run, unstyled
from cnn_tui.tui.widgets.inputs import LinesInput, in_one_line
from cnn_tui.tui.widgets.lines import Lines, underlined
from cnn_tui.tui.words import clean, count, fit

if TYPE_CHECKING:
    from cnn_tui.engine.specs.quick.complete import Completion

PROMPT = "/ "
HINT = "such as conv 32 3x3 pad same | relu | pool 2: tab completes, enter inserts"


class QuickEntry(Lines):
    """Hidden until opened; posts the typed layers at once, so that they can be previewed."""

    BINDINGS = [
        Binding("escape", "leave", "back to the list", id="entry.leave"),
        Binding("enter", "accept", "insert", id="entry.accept"),
        Binding("tab", "complete", "complete", id="entry.complete"),
        Binding("down", "go(1)", "next word", key_display="up/down", id="entry.next"),
        Binding("up", "go(-1)", show=False, id="entry.previous"),
    ]

    class Typed(Message):
        """The line now reads as other layers."""

        def __init__(self, layers: tuple[Layer, ...]) -> None:
            super().__init__()
            self.layers = layers

    class Left(Message):
        """The line was closed; ``layers`` are to be inserted, if there are any."""

        def __init__(self, layers: tuple[Layer, ...] = ()) -> None:
            super().__init__()
            self.layers = layers

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.display = False
        self._error: EntryError | None = None
        self._layers: tuple[Layer, ...] = ()
        self._notes: tuple[str, ...] = ()
        self._shape: Shape | None = None
        self._chosen = 0

    def compose(self) -> ComposeResult:
        yield LinesInput(compact=True, select_on_focus=False)

    def open(self, shape: Shape | None) -> None:
        """Open an empty line; its first layer receives ``shape``, which may be unknown."""
        self._error, self._layers, self._notes, self._chosen = None, (), (), 0
        self._shape = shape
        self.display = True
        self._entry.value = ""
        # At once: a burst of keys must not reach the list that had the focus.
        self.screen.set_focus(self._entry)
        self.redraw()

    def take(self, text: str) -> None:
        """Write a text of one or several lines into the line."""
        self._entry.value = in_one_line(text)
        self._entry.action_end()

    def close(self) -> None:
        """Hide the line; the caller moves the focus."""
        self.display = False

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_accept(self) -> None:
        """Insert the layers, unless the line is invalid."""
        if self._error is None:
            self.post_message(self.Left(self._layers))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Handle the key here, as the input has the focus."""
        event.stop()
        self.action_accept()

    def action_complete(self) -> None:
        """Insert the selected completion."""
        entry, choices = self._entry, self._choices()
        if choices:
            word = choices[self._chosen % len(choices)]
            before, after = entry.value[: word.start], entry.value[word.end :].lstrip()
            entry.value = f"{before}{word.text} {after}"
            entry.cursor_position = word.start + len(word.text) + 1

    def action_go(self, by: int) -> None:
        """Select another completion."""
        self._chosen = (self._chosen + by) % max(1, len(self._choices()))
        self.redraw()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Parse the line; what is not understood is not shown."""
        # Imported late, here and below: the first paint shows no line.
        from cnn_tui.engine.specs.quick.parse import parse_understood

        event.stop()
        self._chosen = 0
        layers, self._error, self._notes = parse_understood(event.value, self._shape)
        if layers != self._layers:
            self._layers = layers
            self.post_message(self.Typed(layers))
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        shown = [((PROMPT, "accent"),), *self._remark(width)]
        return [*shown, *self._offer(width)][: max(1, height)]

    def _remark(self, width: int) -> list[Line]:
        if not self._entry.value:
            return [((fit("  " + HINT, width), "dim"),)]
        if self._error is None:
            said = "; ".join([count(len(self._layers), "layer"), *self._notes])
            return [((f"  {line}", "dim"),) for line in wrap(said, max(1, width - 2))[:2]]
        at = len(PROMPT) + self._error.column - self._entry.scroll_offset.x
        unfinished = self._error.column + self._error.width >= len(self._entry.value)
        role = "dim" if unfinished and self._choices() else "error"
        return underlined(clean(str(self._error)), at, self._error.width, width, role)

    def _offer(self, width: int) -> list[Line]:
        choices = self._choices()
        if not choices:
            return []
        chosen = choices[self._chosen % len(choices)]
        meaning = wrap(clean(chosen.meaning), max(1, width - len(PROMPT)))[:1]
        return [self._words(choices, width), *(unstyled(f"  {line}") for line in meaning)]

    def _words(self, choices: Sequence[Completion], width: int) -> Line:
        """Return as many completions as fit, with the selected one among them."""
        runs: list[Run] = [(" ", "")]
        at, room = self._chosen % len(choices), width - 1
        first = (
            0 if sum(len(completion.text) + 2 for completion in choices[: at + 1]) < width else at
        )
        for number, completion in enumerate(choices[first:], first):
            room -= len(completion.text) + 2
            if room < 0:
                break
            runs.append((f" {completion.text} ", "cursor" if number == at else "accent"))
        return tuple(runs)

    def _choices(self) -> tuple[Completion, ...]:
        from cnn_tui.engine.specs.quick.complete import complete

        return complete(self._entry.value, self._entry.cursor_position)

    @property
    def _entry(self) -> LinesInput:
        return self.query_one(LinesInput)
