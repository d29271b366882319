"""Every key in one picture, made from the table of commands."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from cnn_tui.tui.actions import APP, BUILD, LIST, TRAIN, commands, key_words

_LIST_KEYS = (("up/down", "Choose a row"), ("a-e", "Apply a remedy"))
_FORM_KEYS = (
    ("up/down", "Choose a field"),
    ("space", "Next choice; letters as well"),
    ("esc", "Back to the list"),
)


class HelpScreen(ModalScreen[None]):
    """Two columns: the builder, and training with what works everywhere."""

    BINDINGS = [Binding("escape,q,question_mark,f1,enter,space", "close", "close", show=False)]

    def __init__(self, *scopes: str) -> None:
        """Show the keys of ``scopes`` only, if any are named."""
        super().__init__()
        self._scopes = scopes

    def action_close(self) -> None:
        """Close; a second key that was on its way finds the window closed."""
        if self.is_current:
            self.dismiss()

    def compose(self) -> ComposeResult:
        """The keys by where they work."""
        if self._scopes:
            own, everywhere = _group("Here", _keys(*self._scopes)), _group("Everywhere", _keys(APP))
            with VerticalScroll(classes="window help"), Horizontal():
                yield Static(own)
                yield Static(everywhere)
            return
        build = [*_LIST_KEYS, *_keys(LIST, BUILD)]
        with VerticalScroll(classes="window help"), Horizontal():
            yield Static(_group("Build", build))
            yield Static(
                _group("In a form", [*_FORM_KEYS])
                + _group("Train", _keys(TRAIN))
                + _group("Everywhere", _keys(APP))
            )


def _keys(*scopes: str) -> list[tuple[str, str]]:
    return [(key_words(command), command.help) for command in commands(*scopes) if command.help]


def _group(title: str, keys: list[tuple[str, str]]) -> str:
    rows = [f"[$accent]{key:>8}[/]  {words}" for key, words in keys]
    return "\n".join([f"[b]{title}[/]", *rows, "", ""])
