"""The form of the selected row, made from the fields of its spec, and the arithmetic below.

All of it is drawn; only the field being edited has an input over its value. A column of inputs
would be laid out again for each row that the cursor passes, which costs tens of times more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.reactive import var
from textual.widgets import Input

from cnn_tui.tui.building.fields import Field, FieldError
from cnn_tui.tui.building.forms import Form
from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.inputs import ValueInput
from cnn_tui.tui.widgets.lines import Lines, Shown
from cnn_tui.tui.words import clean, fit

LABEL_WIDTH = 16
CHOICE = "<>"


class LayerForm(Lines):
    """A title, a field per line, the error of the field being edited, and arithmetic."""

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "settings"

    BINDINGS = [
        Binding("tab,down", "go(1)", "next field", key_display="tab", id="form.next"),
        Binding("shift+tab,up", "go(-1)", "previous field", show=False, id="form.previous"),
        Binding("escape", "leave", "back to the list", key_display="esc", id="form.leave"),
    ]

    class Edited(Message):
        """A field has a new valid value."""

        def __init__(self, field: Field, value: Any) -> None:
            super().__init__()
            self.field = field
            self.value = value

    class Opened(Message):
        """Another field is being edited."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Left(Message):
        """The person has left the form."""

    class Submitted(Message):
        """The form as a whole was accepted."""

    class Discarded(Message):
        """The form was left with a text that is no value of its field."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Cut(Message):
        """There is no longer room for all of the arithmetic, or there is again."""

    form: var[Form | None] = var(None, init=False)
    notes: Shown[tuple[str, ...]] = Shown(())

    def __init__(self, *, id: str | None = None, submits: bool = False) -> None:
        """With ``submits``, enter accepts the whole form; otherwise it goes to the next field."""
        super().__init__(id=id)
        self._submits = submits
        self._active: str | None = None
        self._posted: object = None
        self._before: object = None
        """The value of the field when its editing began."""
        self._problem = ""
        self._top = self._scrolled = 0
        self.cut = False
        """Whether a part of the arithmetic has no room below the fields."""

    def compose(self) -> ComposeResult:
        yield ValueInput(compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        self._entry.display = False

    def watch_form(self, before: Form | None, form: Form | None) -> None:
        """Draw the values; the form of another row ends the editing."""
        if before is not None and form is not None and before.key != form.key:
            if self.has_focus_within:
                self.post_message(self.Left())
            self._scrolled = 0
            self._close()
        elif self._active is not None:
            self._follow(self._active)
        self.redraw()

    def enter(self, *, last: bool = False) -> None:
        """Edit the first field, or the last."""
        names = self._names()
        if names:
            self._open(names[-1 if last else 0])

    @property
    def active(self) -> str:
        """The name of the field being edited; empty if none is."""
        return self._active or ""

    def at_end(self, by: int) -> bool:
        """Whether the next field in a direction would be at the other end of the form."""
        names = self._names()
        return not self._problem and self._active == names[-1 if by > 0 else 0]

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_go(self, by: int) -> None:
        """Move to another field, from the last to the first; a wrong value has to be mended."""
        names = self._names()
        if self._active in names and not self._problem:
            self._open(names[(names.index(self._active) + by) % len(names)])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Move to the next field, from the last back to the list."""
        event.stop()
        if self._problem:
            return
        if self._submits:
            self.post_message(self.Submitted())
        elif self.at_end(1):
            self.action_leave()
        else:
            self.action_go(1)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check every keystroke; post each new valid value."""
        event.stop()
        if self._active not in self._names():
            return
        field, _ = self._line(self._active)
        try:
            value = field.parse(self._entry.value)
        except FieldError as error:
            self._complain(str(error))
            value = self._before  # not what was typed on the way to the wrong text
        else:
            self._complain("")
        if (value, type(value)) != (self._posted, type(self._posted)):
            self._posted = value
            self.post_message(self.Edited(field, value))

    def on_descendant_blur(self) -> None:
        """Discard an invalid text when the field is left, but not when the terminal is."""
        if not self.app.app_focus:
            return
        if self._problem and self._active in self._names():
            field, value = self._line(self._active)
            kept = field.show(value) or field.empty
            self.post_message(
                self.Discarded(f"{field.label} stays {kept}: {self._entry.value!r} is no value.")
            )
        self._close()

    def on_click(self, event: events.Click) -> None:
        names = self._names()
        row = self._top + self.place_of(event)[1] - 1
        if event.widget is self and 0 <= row < len(names):
            self._open(names[row])

    def on_mouse_scroll_down(self) -> None:
        self._scroll(1)

    def on_mouse_scroll_up(self) -> None:
        self._scroll(-1)

    def _scroll(self, by: int) -> None:
        """Scroll the fields; while one is edited, go to the next, but not around."""
        if self._active is None:
            self._scrolled = max(0, self._top + by)
            self.redraw()
        elif not self.at_end(by):
            self.action_go(by)

    def redraw(self) -> None:
        """Draw, and keep the input over its field."""
        super().redraw()
        if self._active in self._names():
            row = 1 + self._names().index(self._active) - self._top
            self._entry.styles.offset = (LABEL_WIDTH, row)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        form = self.form
        if form is None:
            return []
        rows: list[Line] = [((form.title, "strong"),)]
        needed = 0
        for field, value in form.lines:
            rows.append(self._row(field, value, width))
            if field.name == self._active:
                words = wrap(f"! {self._problem}", width - 1) if self._problem else []
                rows += [((f" {line}", "error"),) for line in words]
                needed = len(rows) + (field.name != form.lines[-1][0].name)
        # The field being edited is visible, else what the wheel has come to.
        last = max(0, len(rows) - height)
        self._top = max(0, needed - height) if needed else min(self._scrolled, last)
        notes = [line for note in self.notes for line in _fitted(note, width)]
        self._cut(bool(notes) and len(rows) - self._top + 1 + len(notes) > height)
        if (hidden := len(rows) - self._top - height) > 0:
            shown = rows[self._top : self._top + height - 1]
            return [*shown, ((f"{hidden + 1} more below", "faint"),)]
        arithmetic = [((line, "" if number else "dim"),) for number, line in enumerate(notes)]
        return [*rows, (("", ""),), *arithmetic][self._top :]

    def _cut(self, cut: bool) -> None:
        if cut != self.cut:
            self.cut = cut
            self.post_message(self.Cut())

    def _row(self, field: Field, value: object, width: int) -> Line:
        role = "dim"
        if field.name == self._active:
            role = "error" if self._problem else "accent"
        room = width - LABEL_WIDTH - len(CHOICE)
        text, text_role = clean(field.show(value)), ""
        if value is None:
            text, text_role = field.empty, "faint"
        return (
            (fit(field.label, LABEL_WIDTH - 1) + ("!" if role == "error" else " "), role),
            (fit(text, room), text_role),
            (CHOICE if field.choices else "", "faint"),
        )

    @property
    def _entry(self) -> ValueInput:
        return self.query_one(ValueInput)

    def _names(self) -> list[str]:
        return [field.name for field, _ in self.form.lines] if self.form else []

    def _line(self, name: str) -> tuple[Field, object]:
        lines = self.form.lines if self.form else ()
        return next(line for line in lines if line[0].name == name)

    def _follow(self, name: str) -> None:
        """Show the value of the field being edited if it was changed elsewhere."""
        if name not in self._names():
            self.enter()
            return
        _, value = self._line(name)
        if (value, type(value)) != (self._posted, type(self._posted)):
            self._open(name)

    def _open(self, name: str) -> None:
        field, value = self._line(name)
        entry = self._entry
        self._active, self._posted, self._problem = name, value, ""
        self._before = value
        entry.choices, entry.placeholder = field.choices, field.empty
        with entry.prevent(Input.Changed):
            entry.value = field.show(value)
        entry.styles.width = self.content_size.width - LABEL_WIDTH - len(CHOICE)
        entry.display = True
        # At once: after Widget.focus the next key would still reach the list.
        self.screen.set_focus(entry)
        entry.action_select_all()
        self.redraw()
        self.post_message(self.Opened(name))

    def _close(self) -> None:
        self._active, self._problem = None, ""
        self._entry.display = False
        self.redraw()

    def _complain(self, words: str) -> None:
        self._problem = words
        self.redraw()


def _fitted(words: str, width: int) -> list[str]:
    """Wrap a line, after removing the spaces of its sums if it is too long."""
    if len(words) > width:
        words = re.sub(r"(?<=[\w)]) ([-+]) (?=\d)", r"\1", words)
    return wrap(words, width) or [""]
