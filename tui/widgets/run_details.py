"""Details of the chosen run of a list."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from cnn_tui.engine.runs.history import RunEntry
from cnn_tui.tui.history.run_rows import Settings, about, in_columns
from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.lines import Lines, Shown

_LEAST = 5
"""Rows that are worth a list of settings."""


class RunDetails(Lines):
    """Figures, how it ended, in full, and its settings as far as there is room."""

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "run"

    entry: Shown[RunEntry | None] = Shown(None)
    settings: Shown[Settings] = Shown(())
    differing: Shown[str] = Shown("")
    words: Shown[str] = Shown("")
    """What is said without a run, for example of a sweep."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self.entry is None:
            return [((line, ""),) for line in wrap(self.words, max(8, width))]
        rows = about(self.entry, self.differing, width)
        if len(rows) + _LEAST > height:
            return rows
        return [*rows, (), *in_columns(self.settings, width)]
