"""The command palette: every command that works here, by name, each with its key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widgets.option_list import Option

from cnn_tui.tui.actions import commands, title_of
from cnn_tui.tui.command import Command, key_word
from cnn_tui.tui.rows import Item
from cnn_tui.tui.screens.dialog import Picker
from cnn_tui.tui.words import fit

_WIDTH, _FRAME, _KEY = 78, 8, 10
"""Columns of the window, of its frame with the scroll bar, of the keys."""


class CommandPalette(Picker):
    """Returns the action of a command; those of this screen are listed first."""

    def __init__(self, scopes: Sequence[str]) -> None:
        self._commands = _named(scopes)
        items = [Item(action, command.title) for action, command in self._commands.items()]
        super().__init__("Commands", items)

    def filter(self, text: str) -> None:
        """Show the commands whose names contain all words of a text."""
        words = text.lower().split()
        shown = [item for item in self._items if all(word in item.text.lower() for word in words)]
        self.fill(shown, highlight=True)

    def fill(self, items: Sequence[Item], *, highlight: bool) -> None:
        self.choices.clear_options()
        self.choices.add_options(self._options(items))
        if highlight:
            self.choices.action_first()

    def highlight(self, key: str) -> None:
        """Nothing: no line is cut."""

    def _options(self, items: Sequence[Item]) -> Iterable[Option]:
        room = min(_WIDTH, self.app.size.width) - _FRAME - _KEY
        group = ""
        for item in items:
            command = self._commands[item.key]
            if title_of(command.scope) != group:
                group = title_of(command.scope)
                yield Option(Content.styled(group, "bold"), disabled=True)
            keys = f"{key_word(command):>{_KEY}}"
            line = Content.assemble(f"  {fit(item.text, room)}", (keys, "$accent"))
            yield Option(line, id=item.key)


def _named(scopes: Sequence[str]) -> dict[str, Command]:
    """Return one command for each action, the first that names it."""
    named: dict[str, Command] = {}
    for command in commands(*scopes):
        named.setdefault(command.action, command)
    return named
