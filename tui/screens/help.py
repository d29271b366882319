"""Every key in one picture, made from the table of commands."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from cnn_tui.tui.actions import APP, BUILD, LIST, TRAIN, commands, key_words

MORE_KEYS = (
    ("up/down", "Choose a row; home, end, page keys"),
    ("tab", "Next field of the form, space next choice"),
    ("a-e", "Apply a remedy of the issue that is shown"),
)


class HelpScreen(ModalScreen[None]):
    """Two columns: the builder, and training with what works everywhere."""

    BINDINGS = [Binding("escape,q,question_mark,f1,enter,space", "dismiss", "close", show=False)]

    def compose(self) -> ComposeResult:
        """The keys by where they work."""
        with Vertical(classes="window help"):
            with Horizontal():
                yield Static(_column([("Build", (LIST, BUILD))], MORE_KEYS))
                yield Static(_column([("Train", (TRAIN,)), ("Everywhere", (APP,))], ()))
            yield Static("[$text-muted]esc closes; in a form letters are text, esc leaves it[/]")


def _column(
    groups: list[tuple[str, tuple[str, ...]]], more: tuple[tuple[str, str], ...]
) -> str:
    lines: list[str] = []
    for title, scopes in groups:
        lines += ["", f"[b]{title}[/]"] if lines else [f"[b]{title}[/]"]
        keys = [(key_words(one), one.help) for one in commands(*scopes) if one.help]
        lines += [f"[$accent]{key:>7}[/]  {words}" for key, words in (*more, *keys)]
    return "\n".join(lines)
