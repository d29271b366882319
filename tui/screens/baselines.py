"""The ladder of the notes on the network's data: one table, one chart, rung by rung."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.actions import LADDER, bindings
from cnn_tui.tui.aside import aside
from cnn_tui.tui.history.climb import Climb, chart_of, records_of
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.widgets.header import Heading
from cnn_tui.tui.widgets.run_status import bar
from cnn_tui.tui.widgets.table import Column, Table
from cnn_tui.tui.widgets.text_lines import TextLines
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from cnn_tui.engine.specs.network import Network

_COLUMNS = (
    Column("baseline"),
    Column("test accuracy", right=True),
    Column("training", right=True),
    Column("prediction", right=True),
    Column("params", right=True),
    Column("run", rank=1),
)


class BaselinesScreen(ModeScreen):
    """Climbs while it is open; what was done is found again among the runs."""

    SCOPES = (LADDER,)
    BINDINGS = bindings(LADDER)
    AUTO_FOCUS = "Table"

    def __init__(self, mode: str, network: Network, root: Path, data_dir: Path | None) -> None:
        super().__init__()
        self.MODE = mode
        self._network, self._root, self._data_dir = network, root, data_dir
        self._climb = Climb()
        self._control: Control | None = None
        self._words = "enter climbs the ladder; what was done before is not done again"

    def compose_body(self) -> ComposeResult:
        """Table, how far it is, chart."""
        yield Table(_COLUMNS, id="rungs")
        yield TextLines(id="climb")
        yield TextLines(id="bars")

    def on_mount(self) -> None:
        """Show what there is to do."""
        super().on_mount()
        self.heading = Heading("baselines", clean(self._network.data))
        self._look()
        self.set_interval(0.25, self._look)

    def on_unmount(self) -> None:
        """End after the current batch, with a checkpoint."""
        self.action_stop()

    def on_resize(self, event: object) -> None:
        """Fit the bars."""
        self.call_after_refresh(self._look)

    def action_climb(self) -> None:
        """Begin, or go on where it was stopped."""
        if self._control is not None:
            return
        control = self._control = Control()
        climb = self._climb = Climb()

        def work() -> None:
            climb.run(self._network, self._root, self._data_dir, control)

        aside(self, work, self._done, self._fail)
        self.refresh_bindings()

    def action_stop(self) -> None:
        """End after the current batch; the next time it goes on from there."""
        if self._control:
            self._control.stop()

    def _done(self, nothing: None) -> None:
        stopped = self._control is not None and self._control.stopping
        self._words = "stopped; enter goes on" if stopped else "done; each is among the runs"
        self._control = None
        self._look()

    def _fail(self, error: CnnTuiError) -> None:
        self._words, self._control = f"! {clean(str(error))}", None
        self._look()

    def _look(self) -> None:
        if not self.is_mounted:
            return
        climb, width = self._climb, self.size.width
        self.query_one(Table).records = records_of(climb.rungs, climb.baseline)
        self.query_one("#bars", TextLines).rows = chart_of(climb.rungs, width)
        words = f" {self._words}"
        if self._control:
            words = f" {climb.what} "
        line = ((words, "error" if "!" in words else ""),)
        self.query_one("#climb", TextLines).rows = (
            (*line, *bar(climb.share, 24)) if self._control else line,
        )
        self.refresh_bindings()

    def action_back(self) -> None:
        """Back to where one came from."""
        if self.is_current:
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer a beginning before it, an end after it."""
        if action in ("climb", "stop"):
            return (self._control is None) == (action == "climb")
        return super().check_action(action, parameters)
