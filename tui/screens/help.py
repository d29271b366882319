"""The help screen: every key, from the table of commands."""

from __future__ import annotations

from textwrap import wrap

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from cnn_tui.tui.actions import APP, BUILD, LIST, TRAIN, commands, key_words
from cnn_tui.tui.screens.dialog import Dialog

_WIDTH, _FRAME, _KEY = 78, 5, 9
"""Columns of the window, of its border with the scroll bar, of the keys."""
_LIST_KEYS = (("up/down", "Choose a row"), ("a-e", "Apply a fix"))
_FORM_KEYS = (
    ("tab", "Next field (shift+tab back)"),
    ("space", "Next choice (or its letter)"),
    ("esc", "Back to the list"),
)


class HelpScreen(Dialog[None]):
    """Two columns of keys by the place where they work."""

    BINDINGS = [Binding("q,question_mark,f1,enter,space", "finish", "close", show=False)]

    def __init__(self, *scopes: str) -> None:
        """Show the keys of ``scopes`` only, if any are named."""
        super().__init__()
        self._scopes = scopes

    def compose(self) -> ComposeResult:
        if self._scopes:
            of_list = _LIST_KEYS if LIST in self._scopes else ()
            own = self._group("Here", [*of_list, *_keys(*self._scopes)])
            everywhere = self._group("Everywhere", _keys(APP))
            if LIST in self._scopes:
                everywhere = self._group("In a form", [*_FORM_KEYS]) + everywhere
            with VerticalScroll(classes="window help"), Horizontal():
                yield Static(own)
                yield Static(everywhere)
            return
        build = [*_LIST_KEYS, *_keys(LIST, BUILD)]
        with VerticalScroll(classes="window help"), Horizontal():
            yield Static(self._group("Build", build))
            yield Static(
                self._group("In a form", [*_FORM_KEYS])
                + self._group("Train", _keys(TRAIN))
                + self._group("Everywhere", _keys(APP))
            )

    def _group(self, title: str, keys: list[tuple[str, str]]) -> str:
        """Return a title and a row for each key; long texts are wrapped and indented."""
        room = (min(_WIDTH, self.app.size.width) - _FRAME) // 2 - _KEY - 1
        rows = [f"[b]{title}[/]"]
        for key, words in keys:
            first, *rest = wrap(words, max(8, room))
            rows.append(f"[$accent]{key:<{_KEY}}[/] {first}")
            rows += [f"{'':{_KEY}} {line}" for line in rest]
        return "\n".join([*rows, "", ""])


def _keys(*scopes: str) -> list[tuple[str, str]]:
    return [(key_words(command), command.help) for command in commands(*scopes) if command.help]
