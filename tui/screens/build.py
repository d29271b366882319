"""The Build screen: the list of layers, a form, issues and costs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical

from cnn_tui.engine.specs.inside import number, place_of
from cnn_tui.engine.specs.layers import LAYER_TYPES, Layer
from cnn_tui.engine.specs.places import layer_at, received_by
from cnn_tui.engine.specs.transforms import transforms_for
from cnn_tui.tui import screens
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.build_actions import BUILD, LIST
from cnn_tui.tui.building.advice import advice_for, explanation_for, notes_for
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.forms import form_for
from cnn_tui.tui.rows import Item
from cnn_tui.tui.screens.editing import EditingScreen
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.widgets.aside import Aside
from cnn_tui.tui.widgets.doctor import LETTERS, Doctor, Totals
from cnn_tui.tui.widgets.layer_form import LayerForm
from cnn_tui.tui.widgets.layer_table import LayerTable
from cnn_tui.tui.widgets.quick_entry import QuickEntry
from cnn_tui.tui.widgets.volume_view import VolumeView
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from cnn_tui.tui.screens.transform import Outcome

_FIXES = [
    Binding(letter, f"screen.fix('{letter}')", show=False, priority=True) for letter in LETTERS
]


class LayerList(LayerTable):
    """The table with the editing keys; in the form they are text."""

    BINDINGS = [*bindings(LIST), *_FIXES]


class NetworkPicture(VolumeView):
    """The network as volumes, in place of the list and with its keys."""

    BINDINGS = [
        # Before those of the list, which fold with left and right.
        Binding("right,down,j", "screen.go(1)", "next", show=False, priority=True),
        Binding("left,up,k", "screen.go(-1)", "previous", show=False, priority=True),
        *bindings(LIST),
        *_FIXES,
    ]


class BuildScreen(EditingScreen):
    """Shows a builder and calls it for each key."""

    MODE = "build"
    SCOPES = (LIST, BUILD)
    BINDINGS = bindings(BUILD)
    AUTO_FOCUS = "LayerList"
    HORIZONTAL_BREAKPOINTS = [*ModeScreen.HORIZONTAL_BREAKPOINTS, (116, "-huge")]
    VERTICAL_BREAKPOINTS = [*ModeScreen.VERTICAL_BREAKPOINTS, (37, "-tall")]

    def __init__(self, builder: Builder, data_dir: Path | None = None) -> None:
        """``data_dir`` is the folder of datasets that are not built in."""
        super().__init__(builder)
        self._data_dir = data_dir
        self._typed: tuple[Layer, ...] = ()
        """Layers of quick entry, shown but not inserted yet."""

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="body"):
            with Vertical(id="network"):
                yield LayerList(id="layers")
                yield NetworkPicture(id="picture")
            with Vertical(id="layer"):
                yield LayerForm(id="form")
                yield Aside(id="aside")
        yield Totals(id="totals")
        yield Doctor(id="doctor")
        yield QuickEntry(id="entry")

    def present(self) -> None:
        builder = self._shown
        layers, totals = self.query_one(LayerList), self.query_one(Totals)
        layers.set_reactive(LayerTable.cursor, builder.cursor)
        layers.marked = builder.marked
        layers.set_reactive(LayerTable.rows, builder.rows)
        layers.redraw()
        totals.report, totals.batch_size = builder.report, builder.network.training.batch_size
        totals.weights = clean(builder.start.words) if builder.start else ""
        # An empty network is a beginning, not a mistake.
        self.query_one(Doctor).report = builder.report if builder.network.layers else None
        self._present_row(builder)

    def show_trouble(self) -> None:
        """Select the row of the first issue."""
        issue = next(iter(self._builder.report.issues), None)
        if issue:
            self._builder.find(number(place_of(issue.path)) or "input")
            self.present()

    def _enter_new(self) -> None:
        """Edit the first field of a layer that was just inserted, if it has one of its own."""
        fields = form_for(self._builder.network, self._builder.row).lines
        if fields[0][0].name != "name":
            self.action_edit()

    def leave(self) -> None:
        """Close the form: coming back, one gives commands."""
        if self.query_one(LayerForm).has_focus_within:
            self._to_list()

    def action_back(self) -> None:
        """Take one step back: from the volumes, from a selection of several rows."""
        if self.has_class("-picture"):
            self.action_picture()
        elif self._builder.marked:
            self._builder.select(self._builder.cursor)
            self.present()
        else:
            super().action_back()

    def edit_row(self, key: str) -> None:
        """Open the form of a row: the input, the loss, the recipe."""
        self._builder.find(key)
        self.present()
        self.action_edit()

    @property
    def _shown(self) -> Builder:
        """The builder, or its preview with the layers being typed."""
        return self._builder.preview(self._typed) if self._typed else self._builder

    def _present_row(self, builder: Builder) -> None:
        form = self.query_one(LayerForm)
        form.form = form_for(builder.network, builder.row)
        notes = notes_for(builder.network, builder.row)
        form.notes = explanation_for(builder.network, builder.report, builder.row, notes)
        chosen = builder.row.path[0] + 1 if builder.row.path else 0
        self.query_one(NetworkPicture).show(builder.network, builder.report, chosen)
        if self.has_class("-huge", "-tall"):
            self._present_aside(builder)
        doctor = self.query_one(Doctor)
        doctor.chosen = builder.row.block
        doctor.advice = advice_for(builder.network, builder.row, notes, form.active, cut=form.cut)
        self.refresh_bindings()

    def _present_aside(self, builder: Builder) -> None:
        aside, row = self.query_one(Aside), builder.row
        if row.kind in ("branch", "shortcut") or row.folded is not None:
            aside.show_block(builder.network, builder.report, row.block)
        elif row.kind == "layer":
            received = received_by(builder.network, builder.report, row.path)
            aside.show_window(layer_at(builder.network, row.path), received)
        else:
            aside.show_samples(builder.network.data, self._data_dir)

    @on(LayerTable.Highlighted)
    def _highlighted(self, event: LayerTable.Highlighted) -> None:
        together = bool(self._builder.marked)
        self._builder.select(event.row, extend=event.extend)
        if together or event.extend:
            self.present()
        else:
            self._present_row(self._builder)

    @on(LayerTable.FoldRequested)
    def _mark_clicked(self) -> None:
        if self._builder.row.folded:
            self.action_unfold()
        else:
            self.action_fold()

    @on(VolumeView.Chosen)
    def _volume_clicked(self, event: VolumeView.Chosen) -> None:
        self._builder.find(str(event.layer) if event.layer else "input")
        self.present()

    @on(VolumeView.Scrolled)
    def _picture_scrolled(self, event: VolumeView.Scrolled) -> None:
        self.action_go(event.by)

    @on(LayerForm.Opened)
    def _field_opened(self, event: LayerForm.Opened) -> None:
        self._advise(event.name)

    @on(LayerForm.Cut)
    def _arithmetic_cut(self) -> None:
        self._advise(self.query_one(LayerForm).active)

    def _advise(self, field: str = "") -> None:
        builder, cut = self._shown, self.query_one(LayerForm).cut
        notes = notes_for(builder.network, builder.row)
        advice = advice_for(builder.network, builder.row, notes, field, cut=cut)
        self.query_one(Doctor).advice = advice

    @on(LayerForm.Left)
    def _form_left(self) -> None:
        self._to_list()
        self._advise()

    @on(LayerForm.Discarded)
    def _text_discarded(self, event: LayerForm.Discarded) -> None:
        self.notify(event.words, severity="warning")

    @on(LayerForm.Edited)
    def _field_edited(self, event: LayerForm.Edited) -> None:
        self._builder.set_field(event.field.name, event.value)

    @on(Doctor.FixRequested)
    def _fix_clicked(self, event: Doctor.FixRequested) -> None:
        self.action_fix(event.letter)

    @on(LayerTable.EditRequested)
    def action_edit(self) -> None:
        """Move the focus to the form, which is beside the list."""
        self.remove_class("-picture")
        self.query_one(LayerForm).enter()

    def action_insert_layer(self, above: bool = False) -> None:
        """Pick a type of layer and insert it after the selected row, or before."""
        layers = [Item(name, layer.info.help) for name, layer in LAYER_TYPES.items()]
        picker = screens.Picker("Insert a layer", layers)
        self.app.push_screen(picker, partial(self._insert, above))

    def _insert(self, above: bool, kind: str | None) -> None:
        if kind:
            self._builder.insert(kind, self._builder.classes, above=above)
            self._enter_new()

    def action_quick_entry(self) -> None:
        """Open the line for typing layers, in place of the doctor."""
        self.query_one(Doctor).display = False
        self.query_one(QuickEntry).open(self._builder.received())

    def on_paste(self, event: events.Paste) -> None:
        """Show layers that are pasted into the list in the line for them, to be accepted."""
        if self.query_one(LayerList).has_focus and event.text.strip():
            event.stop()
            self.action_quick_entry()
            self.query_one(QuickEntry).take(event.text)

    def action_pattern(self) -> None:
        """Insert the layers of a pattern after the selected row."""
        builder = self._builder
        dialog = screens.PatternDialog(builder.volume(), builder.classes, builder.source())
        self.app.push_screen(dialog, self._insert_all)

    def _insert_all(self, layers: tuple[Layer, ...] | None) -> None:
        self._builder.insert_all(layers or ())

    def action_transform(self) -> None:
        """Offer rewrites of the selected layer."""
        row = self._builder.row
        if row.kind != "layer" or not transforms_for(layer_at(self._builder.network, row.path)):
            self.notify("Only conv, pool and fc layers can be transformed.")
            return
        dialog = screens.TransformDialog(self._builder.network, row.path, self._builder.weights)
        self.app.push_screen(dialog, self._rewritten)

    def action_picture(self) -> None:
        """Toggle between the volumes and the list."""
        picture = not self.has_class("-picture")
        self.set_class(picture, "-picture")
        self.query_one(NetworkPicture if picture else LayerList).focus()
        self.present()

    def action_go(self, by: int) -> None:
        """Select another row while the list is hidden."""
        builder = self._builder
        builder.select(builder.cursor + by)
        while len(builder.row.path) > 1 or builder.row.kind == "shortcut":
            builder.select(builder.cursor + by)  # it has the volume of the block around it
        self.present()

    def action_forecast(self) -> None:
        if self._builder.computes:
            self.app.push_screen(screens.ForecastDialog(self._builder.network))
        else:
            self.notify("A forecast needs layers that fit each other.")
            self.show_trouble()

    def _rewritten(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._builder.rewrite(*outcome)

    @on(QuickEntry.Typed)
    def _entry_typed(self, event: QuickEntry.Typed) -> None:
        self._typed = event.layers
        self.present()

    @on(QuickEntry.Left)
    def _entry_left(self, event: QuickEntry.Left) -> None:
        self._typed = ()
        self.query_one(QuickEntry).close()
        self.query_one(Doctor).display = True
        self._builder.insert_all(event.layers)
        self.present()
        self._to_list()
        if len(event.layers) == 1:
            self._enter_new()

    def _to_list(self) -> None:
        # At once: after Widget.focus, what follows could be overtaken.
        shown = NetworkPicture if self.has_class("-picture") else LayerList
        self.set_focus(self.query_one(shown))

    def action_fix(self, letter: str) -> None:
        fix = self.query_one(Doctor).fix(letter)
        if fix:
            self._builder.fix(fix)
        else:
            self.notify(f"There is no fix {letter} to apply.")
