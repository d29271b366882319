"""A command of the app, and how its keys are written."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command of the app; ``scope`` is where its keys are bound."""

    scope: str
    keys: str
    action: str
    label: str
    """A word or two for the key bar."""
    help: str = ""
    """A short line for the help screen; empty for a second way to do the same."""
    shown: str = ""
    """How the keys are written, if not as the first of them."""
    in_bar: bool = True
    name: str = ""
    """The name in the command palette; by default that in the help."""

    @property
    def id(self) -> str:
        """Its place and label, by which ``[keys]`` of ``config.toml`` names it."""
        return f"{self.scope}.{re.sub(r'[^a-z0-9]+', '-', self.label.lower())}"

    @property
    def title(self) -> str:
        """The name in the command palette."""
        return self.name or self.help or self.label.capitalize()


def key_words(command: Command) -> str:
    """Return the keys of a command as the help writes them."""
    first = command.keys.split(",")[0]
    return command.shown or first.replace("ctrl+", "^")


def key_word(command: Command) -> str:
    """Return the first key of a command alone: ``J``, not ``J/K``."""
    key = command.keys.split(",")[0]
    return _SIGNS.get(key) or (key.upper() if key[1:].isdigit() else key.replace("ctrl+", "^"))


_SIGNS = {
    "slash": "/",
    "question_mark": "?",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "full_stop": ".",
    "comma": ",",
    "plus": "+",
    "minus": "-",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "escape": "esc",
}
