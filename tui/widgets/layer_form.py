"""The form for the chosen row, made from the fields of its spec."""

from __future__ import annotations

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input

from cnn_tui.tui.forms import Form
from cnn_tui.tui.widgets.field_row import FieldRow, ValueInput


class LayerForm(VerticalScroll, can_focus=False):
    """A column of fields; it keeps its rows and fills them anew for each form."""

    BINDINGS = [
        Binding("escape", "leave", "back to the list", id="form.leave"),
        Binding("up", "go(-1)", "previous field", show=False),
        Binding("down", "go(1)", "next field", show=False),
    ]

    class Left(Message):
        """The person is done with the form."""

    form: reactive[Form | None] = reactive(None, init=False)

    async def watch_form(self, before: Form | None, form: Form | None) -> None:
        """Fill the rows; mount more if this form has more fields than any before."""
        lines = form.lines if form else ()
        rows = list(self.query(FieldRow))
        same = before is not None and form is not None and before.key == form.key
        for row, (field, value) in zip(rows, lines, strict=False):
            row.use(field, value, force=not same)
            row.display = True
        for row in rows[len(lines) :]:
            row.display = False
        if len(lines) > len(rows):
            await self.mount_all(FieldRow(*line) for line in lines[len(rows) :])

    def refill(self) -> None:
        """Show the values even where something is being typed."""
        if self.form:
            for row, (field, value) in zip(self.query(FieldRow), self.form.lines, strict=False):
                row.use(field, value)

    def enter(self) -> None:
        """Put the cursor into the first field."""
        entries = self._entries()
        if entries:
            entries[0].focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field, from the last back to the list."""
        event.stop()
        entries = self._entries()
        if event.input is entries[-1]:
            self.action_leave()
        else:
            self.action_go(1)

    def action_leave(self) -> None:
        """Give the keys back to the list."""
        self.post_message(self.Left())

    def action_go(self, by: int) -> None:
        """Move to a neighbouring field."""
        entries = self._entries()
        at = next((at for at, entry in enumerate(entries) if entry.has_focus), 0)
        entries[max(0, min(at + by, len(entries) - 1))].focus()

    def _entries(self) -> list[ValueInput]:
        return [row.query_one(ValueInput) for row in self.query(FieldRow) if row.display]
