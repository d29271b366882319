"""Runs side by side: a chart, best figures, and their differences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.app import ComposeResult

from cnn_tui.engine.runs.compare import RunComparison, compare_runs
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.actions import COMPARE
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.history.comparison import columns, overlay, rows
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.widgets.chart import Chart
from cnn_tui.tui.widgets.table import Table


class CompareScreen(ModeScreen):
    """Reads the runs once; reopen it to see later epochs of a live run."""

    CSS_PATH = "runs.tcss"
    MODE = "runs"
    SCOPES = (COMPARE,)
    BINDINGS = bindings(COMPARE)
    AUTO_FOCUS = "Table"

    def __init__(self, folders: Sequence[RunFolder]) -> None:
        super().__init__()
        self._folders = folders
        self._comparison: RunComparison | None = None
        self._loss = False
        self._first = 0

    def compose_body(self) -> ComposeResult:
        yield Chart(id="overlay")
        yield Table(columns(self._names), title="figures and what differs", id="comparison")

    @property
    def _names(self) -> list[str]:
        return [folder.name for folder in self._folders]

    def on_mount(self) -> None:
        super().on_mount()
        self.heading = Heading(f"{len(self._folders)} runs")
        run_in_thread(
            self, lambda: compare_runs(self._folders), self._compared, partial(complain, self.app)
        )

    def on_resize(self, event: object) -> None:
        self.call_after_refresh(self._draw)

    def _compared(self, comparison: RunComparison) -> None:
        self._comparison = comparison
        self._fill()
        self._draw()

    def _fill(self) -> None:
        if self._comparison:
            table = self.query_one(Table)
            table.columns = columns(self._names, self._first)
            table.records = rows(self._comparison, self._first)

    def _draw(self) -> None:
        if self._comparison:
            chart = self.query_one(Chart)
            height = chart.content_size.height - 3
            chart.picture = overlay(self._comparison, height, loss=self._loss)

    def action_other_curve(self) -> None:
        """Toggle between accuracy and loss."""
        self._loss = not self._loss
        self._draw()

    def action_shift(self, by: int) -> None:
        """Scroll the table sideways by runs."""
        first = max(0, min(self._first + by, len(self._folders) - 1))
        if first == self._first:
            self.notify("There are no further runs on this side.")
        self._first = first
        self._fill()
