"""One line of a form: a label, a value to type or to choose, and below it what is wrong."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from cnn_tui.tui.fields import Field, FieldError


class ValueInput(Input):
    """An input that, for a field with choices, goes through them instead of taking text."""

    choices: tuple[str, ...] = ()

    def on_key(self, event: events.Key) -> None:
        """Letters pick the next choice that begins with them, space the next of all."""
        if not self.choices or not event.is_printable or event.character is None:
            return
        event.prevent_default()
        event.stop()
        self._cycle(1, event.character.strip())

    def action_cursor_left(self, select: bool = False) -> None:
        """Previous choice, or one character left."""
        if self.choices:
            self._cycle(-1)
        else:
            super().action_cursor_left(select)

    def action_cursor_right(self, select: bool = False) -> None:
        """Next choice, or one character right."""
        if self.choices:
            self._cycle(1)
        else:
            super().action_cursor_right(select)

    def action_delete_left(self) -> None:
        """Delete a character; a choice cannot lose one."""
        if not self.choices:
            super().action_delete_left()

    def on_click(self) -> None:
        """Next choice."""
        if self.choices:
            self._cycle(1)

    def _cycle(self, by: int, start: str = "") -> None:
        at = self.choices.index(self.value) if self.value in self.choices else -1
        turn = [self.choices[(at + by * step) % len(self.choices)] for step in _turn(self.choices)]
        self.value = next((choice for choice in turn if choice.startswith(start)), self.value)


def _turn(choices: tuple[str, ...]) -> range:
    return range(1, len(choices) + 1)


class FieldRow(Vertical):
    """A field of a form; rows are used again for other fields rather than replaced."""

    class Edited(Message):
        """The text has become another valid value."""

        def __init__(self, field: Field, value: Any) -> None:
            super().__init__()
            self.field = field
            self.value = value

    def __init__(self, field: Field, value: object) -> None:
        super().__init__()
        self._field = field
        self._value = value

    def compose(self) -> ComposeResult:
        """Label, value, mark of a choice; below, the error."""
        with Horizontal():
            yield Static(classes="label")
            yield ValueInput(compact=True, select_on_focus=True)
            yield Static(classes="mark")
        yield Static(classes="problem")

    def on_mount(self) -> None:
        """Fill in the first field."""
        self.query_one(ValueInput).cursor_blink = False
        self.use(self._field, self._value)

    def use(self, field: Field, value: object, force: bool = True) -> None:
        """Show a field.

        Without ``force`` the text being typed stays: ``value`` may be the echo of an earlier
        keystroke, and putting it back would undo the later ones.
        """
        if not self.children:
            self._field, self._value = field, value
            return
        entry = self.query_one(ValueInput)
        if entry.has_focus and field == self._field and not force:
            return
        self._field, self._value = field, value
        entry.choices, entry.placeholder = field.choices, field.empty
        self.query_one(".label", Static).update(field.label)
        self.query_one(".mark", Static).update("<>" if field.choices else "")
        if self._parsed(entry.value) != (value,):
            self._reset()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check every keystroke; tell of each new valid value."""
        event.stop()
        try:
            value = self._field.parse(event.input.value)
        except FieldError as error:
            self._complain(str(error))
            return
        self._complain("")
        if value != self._value or type(value) is not type(self._value):
            self._value = value
            self.post_message(self.Edited(self._field, value))

    def on_descendant_blur(self) -> None:
        """Text that is no value is dropped when the field is left."""
        if self._parsed(self.query_one(ValueInput).value) != (self._value,):
            self._reset()

    def _reset(self) -> None:
        entry = self.query_one(ValueInput)
        entry.value = self._field.show(self._value)
        if entry.has_focus:
            entry.action_select_all()
        self._complain("")

    def _parsed(self, text: str) -> tuple[Any, ...]:
        try:
            return (self._field.parse(text),)
        except FieldError:
            return ()

    def _complain(self, words: str) -> None:
        problem = self.query_one(".problem", Static)
        problem.update(words)
        self.set_class(bool(words), "-wrong")
