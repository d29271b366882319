"""The dialog for settings that can change during a training."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Static

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.training.settings import SettingName, Settings, SettingValue
from cnn_tui.tui.building.fields import FieldError, form_fields
from cnn_tui.tui.screens.dialog import Dialog, TitledWindow
from cnn_tui.tui.widgets.inputs import EntryInput


@dataclass(frozen=True)
class Change:
    """A setting and its new value."""

    name: SettingName
    value: SettingValue


_SHOWN: tuple[SettingName, ...] = ("lr", "l2", "dropout", "batch_size")
_LABELS = {"lr": "learning rate", "l2": "L2", "dropout": "dropout", "batch_size": "batch size"}


class SettingsDialog(Dialog[tuple[Change, ...]]):
    """Returns the changes; none for escape."""

    BINDINGS = [
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    escaped = ()

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._fields = {field.name: field for field in form_fields(Settings)}

    def compose(self) -> ComposeResult:
        with TitledWindow("From the next batch on", classes="settings"):
            for name in _SHOWN:
                with Horizontal():
                    yield Static(_LABELS[name], classes="label")
                    shown = self._fields[name].show(getattr(self._settings, name))
                    place = "as in each layer" if name == "dropout" else ""
                    yield EntryInput(shown, placeholder=place, compact=True, id=name)
            yield Static(classes="trouble")
            yield Static("enter applies, esc changes nothing", classes="hint")

    def on_input_submitted(self) -> None:
        """Return the changes if all values are valid."""
        try:
            changes = [change for name in _SHOWN if (change := self._change(name))]
        except (FieldError, SpecError) as error:
            self.query_one(".trouble", Static).update(str(error), layout=False)
            return
        self.action_finish(tuple(changes))

    def _change(self, name: SettingName) -> Change | None:
        line, field = self.query_one(f"#{name}", EntryInput), self._fields[name]
        try:
            value = field.parse(line.value)
            self._settings.with_value(name, value)
        except (FieldError, SpecError):
            line.focus()
            raise FieldError(f"! {_LABELS[name]} needs {field.expects}") from None
        same = value == getattr(self._settings, name)
        return None if same else Change(name, value)
