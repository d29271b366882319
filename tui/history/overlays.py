"""Earlier runs under the curves of the present one: which, and what their files tell."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.history import RunEntry
from cnn_tui.engine.training.events import RunStarted
from cnn_tui.tui import screens
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.words import clean, percent

MOST = 4
"""More could not be told from each other."""


def read_board(folder: RunFolder) -> Board:
    """What a run has recorded so far.

    Raises:
        RunError: if it cannot be read.
    """
    folder.info()
    board = Board()
    for event in Follower(folder).poll():
        if isinstance(event, RunStarted) and not event.from_step:
            board = Board()
        board.fold(event)
    return board


def items_for(entries: Sequence[RunEntry], drawn: Sequence[str], own: str) -> list[screens.Item]:
    """What can be chosen: runs to be drawn, those that are drawn to be left out."""
    return [
        screens.Item(
            entry.name, ("drawn, enter leaves it out: " if entry.name in drawn else "") + _of(entry)
        )
        for entry in entries
        if entry.name != own
    ]


def _of(entry: RunEntry) -> str:
    summary = entry.summary
    best = f", best val {percent(summary.best_val_accuracy)}" if summary.best_val_accuracy else ""
    return f"{clean(summary.arch)} on {clean(summary.data)}, {summary.epoch} epochs{best}"
