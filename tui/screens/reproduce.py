"""The dialog that trains a run once more: as it was, or with one value changed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.history.amending import amend, choices
from cnn_tui.tui.screens.dialog import Dialog
from cnn_tui.tui.words import clean

SAME = "="
"""The result for a run without any change."""


class ReproduceDialog(Dialog):
    """The result is ``NAME=VALUE``, :data:`SAME`, or empty for escape."""

    BINDINGS = [
        Binding("down", "go('cursor_down')", show=False),
        Binding("up", "go('cursor_up')", show=False),
        Binding("pagedown", "go('page_down')", show=False),
        Binding("pageup", "go('page_up')", show=False),
    ]

    def __init__(self, run: str, network: Network) -> None:
        super().__init__()
        self._run, self._network = run, network

    def compose(self) -> ComposeResult:
        """Title, line, settings, what it means."""
        with Vertical(classes="window picker"):
            yield Static(f"Train {self._run} once more", classes="title", markup=False)
            yield Input(placeholder="as it was, or a setting=value, such as lr=0.01", compact=True)
            yield OptionList(compact=True)
            yield Static(classes="detail")
            yield Static("enter trains it, esc goes back", classes="hint")

    def on_mount(self) -> None:
        """Show all settings."""
        self.query_one(Input).cursor_blink = False
        self.query_one(OptionList).can_focus = False
        self._present("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the settings that are meant, and what comes of the value."""
        self._present(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the setting under the cursor, or what is typed if that will do."""
        amendment = amend(self._network, event.value)
        if "=" not in event.value and self._chosen:
            self._take()
        elif not amendment.wrong:
            path = amendment.path
            self.action_finish(f"{path}={amendment.value}" if path else SAME)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the setting that was clicked."""
        self._take()

    async def action_go(self, where: str) -> None:
        """Move in the list while the line keeps the focus; enter then takes the setting."""
        settings = self.query_one(OptionList)
        if settings.size.height:  # Textual cannot turn pages where it has drawn none
            await settings.run_action(where)

    @property
    def _chosen(self) -> str:
        settings = self.query_one(OptionList)
        at = settings.highlighted
        return "" if at is None else settings.get_option_at_index(at).id or ""

    def _take(self) -> None:
        entry = self.query_one(Input)
        entry.value = f"{self._chosen}="
        entry.cursor_position = len(entry.value)

    def _present(self, text: str) -> None:
        settings = self.query_one(OptionList)
        shown = choices(self._network, text)
        width = max((len(path) for path, _ in shown), default=0)
        settings.clear_options()
        for path, value in shown:
            line = Content.assemble((path.ljust(width), "$accent"), f"  {clean(value)}")
            settings.add_option(Option(line, id=path))
        settings.highlighted = 0 if shown and text else None
        amendment = amend(self._network, text)
        role = "$error" if amendment.wrong and "=" in text else "$text-muted"
        self.query_one(".detail", Static).update(Content.assemble((clean(amendment.words), role)))
