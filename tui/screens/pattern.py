"""The dialog for layer patterns, with a preview of the layers while typing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, Static

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.expansion import PatternOptions, Preview, preview
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.pattern import PATTERN
from cnn_tui.tui.building.fields import form_fields
from cnn_tui.tui.building.forms import Form
from cnn_tui.tui.building.outline import outline
from cnn_tui.tui.rows import Line
from cnn_tui.tui.screens.dialog import Dialog, TitledWindow
from cnn_tui.tui.widgets.inputs import EntryInput
from cnn_tui.tui.widgets.layer_form import LayerForm
from cnn_tui.tui.widgets.layer_table import LayerTable
from cnn_tui.tui.widgets.lines import Lines, underlined
from cnn_tui.tui.words import clean, compact

_HINT = "enter inserts, tab walks through the settings, esc goes back"


class Remarks(Lines):
    """Errors and warnings below the pattern."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: EntryError | Preview | None = None
        self._scrolled = 0

    def show(self, result: EntryError | Preview, scrolled: int) -> None:
        """Show the remarks on a pattern whose first ``scrolled`` characters are hidden."""
        self._shown, self._scrolled = result, scrolled
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if isinstance(self._shown, EntryError):
            error = self._shown
            at = error.column - self._scrolled
            return underlined(clean(str(error)), at, error.width, width)
        if self._shown is None or not self._shown.warnings:
            return []
        first, *others = self._shown.warnings
        shown = underlined(first.message, first.column - self._scrolled, first.width, width, "warn")
        return [*shown, *(((f"! {warning.message}", "warn"),) for warning in others)]


class PatternDialog(Dialog[tuple[Layer, ...]]):
    """Returns the layers of a pattern, none for escape."""

    BINDINGS = [
        Binding("tab", "walk(1)", "next field", show=False, priority=True),
        Binding("shift+tab", "walk(-1)", "previous field", show=False, priority=True),
    ]

    escaped = ()

    def __init__(self, shape: tuple[int, int, int], classes: int, source: str) -> None:
        super().__init__()
        self._shape, self._source = shape, source
        self._options = PatternOptions(classes=classes)
        self._layers: tuple[Layer, ...] = ()
        self._reads = False

    def compose(self) -> ComposeResult:
        with TitledWindow("Pattern", classes="pattern"):
            yield EntryInput(PATTERN, compact=True, select_on_focus=False)
            yield Remarks()
            with Horizontal():
                yield LayerForm(id="options", submits=True)
                table = LayerTable(id="expanded")
                table.can_focus = False
                yield table
            yield Static(_HINT, classes="hint")

    def on_mount(self) -> None:
        self.call_after_refresh(self._expand)

    def action_walk(self, by: int) -> None:
        """Go from the pattern through its settings and back."""
        form = self.query_one(LayerForm)
        if not form.has_focus_within:
            form.enter(last=by < 0)
        elif form.at_end(by):
            self._to_pattern()
        else:
            form.action_go(by)

    @on(LayerForm.Left)
    def _to_pattern(self) -> None:
        self.query_one(EntryInput).focus()

    @on(LayerForm.Edited)
    def _option_edited(self, event: LayerForm.Edited) -> None:
        change = {event.field.name: event.value}
        self._options = msgspec.structs.replace(self._options, **change)
        self._expand()

    @on(Input.Changed, "EntryInput")
    def _pattern_edited(self) -> None:
        self._expand()

    @on(LayerForm.Discarded)
    def _text_discarded(self, event: LayerForm.Discarded) -> None:
        self.notify(event.words, severity="warning")

    @on(LayerForm.Submitted)
    @on(Input.Submitted, "EntryInput")
    def _accept(self) -> None:
        if self._reads:
            self.action_finish(self._layers)

    def _expand(self) -> None:
        """Preview the layers; an invalid pattern keeps the last valid preview."""
        entry = self.query_one(EntryInput)
        result: EntryError | Preview
        try:
            result = preview(entry.value, self._options, self._shape)
        except EntryError as error:
            result = error
        self._reads = isinstance(result, Preview)
        if isinstance(result, Preview):
            self._layers = result.layers
            self._show(result)
        self.query_one(Remarks).show(result, entry.scroll_offset.x)

    def _show(self, result: Preview) -> None:
        lines = tuple(
            (field, getattr(self._options, field.name)) for field in form_fields(PatternOptions)
        )
        form, table = self.query_one(LayerForm), self.query_one(LayerTable)
        form.form = Form("options", "settings", lines)
        report = result.report
        issue = report.issues[0].message if report.issues else "everything fits"
        form.notes = (
            f"{len(result.layers)} layers",
            f"{compact(report.total_params, 12)} parameters",
            f"{compact(report.total_macs)} multiply-adds",
            clean(issue),
        )
        network = Network(input=self._shape, data=self._source, layers=result.layers)
        table.rows = outline(network, report)[:-2]
