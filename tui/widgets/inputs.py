"""Input fields: one for any text, one that can also go through a list of choices."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.widgets import Input


class EntryInput(Input):
    """An input whose cursor does not blink: each blink would send bytes over the link."""

    BINDINGS = [Binding("enter", "submit", "accept", key_display="enter", id="input.submit")]

    def on_mount(self) -> None:
        self.cursor_blink = False


class LinesInput(EntryInput):
    """An input for one line of layers that takes pasted lines as one."""

    def on_paste(self, event: events.Paste) -> None:
        """Insert all that is pasted; the base would take its first line only."""
        event.prevent_default()
        event.stop()
        self.replace(in_one_line(event.text), *self.selection)


def in_one_line(text: str) -> str:
    """Join lines of layers: with a bar, so that a mistake in one is not taken for its neighbour's.

    Inside of brackets, and where there is a separator already, it is a space.
    """
    whole = ""
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        is_open = any(whole.count(left) > whole.count(right) for left, right in ("()", "[]"))
        goes_on = is_open or whole[-1:] in ("", *",|{") or line[0] in ",|{}"
        whole += (" " if goes_on else " | ") + line
    return whole.strip()


class ValueInput(EntryInput):
    """An input that cycles through the choices of a field, if it has any."""

    choices: tuple[str, ...] = ()

    def on_key(self, event: events.Key) -> None:
        """Select the next choice that begins with the letter; space selects the next one."""
        if not self.choices or not event.is_printable or event.character is None:
            return
        event.prevent_default()
        event.stop()
        self._cycle(1, event.character.strip())

    def on_paste(self, event: events.Paste) -> None:
        """Ignore pasted text, which would not be a choice."""
        if self.choices:
            event.prevent_default()

    def action_cursor_left(self, select: bool = False) -> None:
        if self.choices:
            self._cycle(-1)
        else:
            super().action_cursor_left(select)

    def action_cursor_right(self, select: bool = False) -> None:
        if self.choices:
            self._cycle(1)
        else:
            super().action_cursor_right(select)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable deleting, cutting and pasting in a choice."""
        edits = action.startswith("delete_") or action in ("cut", "paste")
        return not (self.choices and edits)

    def on_click(self) -> None:
        if self.choices:
            self._cycle(1)

    def _cycle(self, by: int, start: str = "") -> None:
        at = self.choices.index(self.value) if self.value in self.choices else -1
        turn = (self.choices[(at + by * step) % len(self.choices)] for step in self._steps())
        self.value = next((choice for choice in turn if choice.startswith(start)), self.value)

    def _steps(self) -> range:
        return range(1, len(self.choices) + 1)
