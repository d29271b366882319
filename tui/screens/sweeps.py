"""The Sweeps screen: the list of sweeps, which opens one of them."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from cnn_tui.engine.sweeps.folder import SWEEPS as SWEEPS_FOLDER
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.state import SweepState
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.screens.folder import FolderScreen
from cnn_tui.tui.screens.sweep import SweepScreen
from cnn_tui.tui.screens.sweep_changes import SweepChanges, allows
from cnn_tui.tui.sweep_actions import SWEEPS
from cnn_tui.tui.sweeps.listing import (
    SWEEP_COLUMNS,
    SweepList,
    first_words,
    sweep_rows,
    sweeps_words,
)
from cnn_tui.tui.training import Places
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.widgets.sweep_pane import Scene, SweepPane
from cnn_tui.tui.widgets.table import Table


class SweepsScreen(FolderScreen[list[SweepState]], SweepChanges):
    """Lists the sweeps beside the runs; opens the only one at once."""

    CSS_PATH = "sweeps.tcss"
    MODE = "sweeps"
    LOOK = 1.0
    SCOPES = (SWEEPS,)
    BINDINGS = bindings(SWEEPS)
    AUTO_FOCUS = "Table"

    def __init__(self, places: Places) -> None:
        super().__init__(places)
        self._list = SweepList(places.runs)
        self._states: list[SweepState] = []

    def compose_body(self) -> ComposeResult:
        yield Table(SWEEP_COLUMNS, id="sweeps")
        yield TextLines(id="listing")
        yield SweepPane(id="preview")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Table).border_title = "sweeps"
        self._show()
        self.watch_folder()

    def _read(self) -> list[SweepState]:
        return self._list.read()

    def _listed(self, states: list[SweepState]) -> None:
        self._states = states
        self._show()

    def _listed_first(self) -> None:
        if len(self._states) == 1 and self.is_current:
            self.action_open()

    @on(Table.Highlighted)
    def _show(self) -> None:
        if not self.is_mounted:
            return
        table = self.query_one(Table)
        table.empty = (
            keyed("no sweep yet: {sweeps.start} starts one from a file")
            if self._known
            else "reading..."
        )
        table.records = sweep_rows(self._states)
        state = self._state
        self.query_one("#listing", TextLines).rows = (sweeps_words(self._states, state),)
        pane = self.query_one(SweepPane)
        pane.words = first_words() if self._known else ()
        pane.scene = Scene(state) if state else None
        self.refresh_bindings()

    @property
    def _state(self) -> SweepState | None:
        name = self.query_one(Table).chosen
        return next((state for state in self._states if state.name == name), None)

    @property
    def _folder(self) -> SweepFolder | None:
        state = self._state
        return SweepFolder(self._places.runs / SWEEPS_FOLDER / state.name) if state else None

    @on(Table.Chosen)
    def action_open(self) -> None:
        if self._folder:
            self.open_sweep(self._folder)

    def open_sweep(self, folder: SweepFolder) -> None:
        """Show a sweep, live if it runs."""
        self.app.push_screen(SweepScreen(self._places, folder))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("open", "resume", "stop", "refine") and self.is_mounted:
            return self._state is not None and allows(self._state, action)
        return super().check_action(action, parameters)
