"""The training screen: curves, progress, what happened; keys that steer the run."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import var

from cnn_tui.tui.actions import TRAIN, bindings
from cnn_tui.tui.board import Board
from cnn_tui.tui.pictures import accuracy_picture, loss_picture
from cnn_tui.tui.run_view import RunView
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.widgets.chart import Chart
from cnn_tui.tui.widgets.event_log import EventLog
from cnn_tui.tui.widgets.figures import Figures
from cnn_tui.tui.widgets.run_status import RunStatus


class TrainScreen(ModeScreen):
    """Shows a board; what steers the run are commands of the app."""

    MODE = "train"
    BINDINGS = bindings(TRAIN)

    log_loss: var[bool] = var(False, init=False)

    def __init__(self, board: Board, run: RunView) -> None:
        super().__init__()
        self._board = board
        self._run = run
        self._idle_words = ""

    def compose_body(self) -> ComposeResult:
        """Status, two charts, log and figures."""
        yield RunStatus(id="status")
        with Horizontal(id="charts"):
            yield Chart(id="loss")
            yield Chart(id="accuracy")
        with Horizontal(id="bottom"):
            yield EventLog(id="log")
            yield Figures(id="figures")

    def on_mount(self) -> None:
        """Show what is known already."""
        super().on_mount()
        self.call_after_refresh(self.present, self._board, self._run, self._idle_words)

    def present(self, board: Board, run: RunView, idle_words: str) -> None:
        """Take over the state of the run; ``idle_words`` are for a run that has not begun."""
        self._board, self._run, self._idle_words = board, run, idle_words
        if not self.is_mounted:
            return
        self.query_one(RunStatus).run = run
        self.query_one(Figures).run = run
        log = self.query_one(EventLog)
        log.empty, log.entries = idle_words, run.log
        self._draw()

    def watch_log_loss(self) -> None:
        """Draw the loss on the other scale."""
        self._draw()

    def on_resize(self, event: object) -> None:
        """The number of ticks follows the height."""
        self.call_after_refresh(self._draw)

    def action_log_scale(self) -> None:
        """Switch the scale of the loss."""
        self.log_loss = not self.log_loss

    def _draw(self) -> None:
        loss, accuracy = self.query_one("#loss", Chart), self.query_one("#accuracy", Chart)
        rows = loss.content_size.height - 3
        loss.picture = loss_picture(self._board, rows, self.log_loss)
        accuracy.picture = accuracy_picture(self._board, rows)
