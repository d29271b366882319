"""What goes wrong in the run, and the key that mends it, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import var

from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.widgets.lines import Line, Lines
from cnn_tui.tui.words import clean, fit


class VerdictLine(Lines):
    """Empty while all is well; the log has the whole of it."""

    run: var[RunView] = var(RunView(), init=False)

    def watch_run(self) -> None:
        """Show the newest."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The fault, cut where it must be, and the remedy in full if there is room."""
        run = self.run
        if not run.verdict:
            return []
        remedy = f" r {clean(run.remedy)}" if run.remedy else ""
        if len(remedy) > width * 2 // 3:
            remedy = " r mends it"
        words = fit(f" ! {clean(run.verdict)}", max(0, width - len(remedy) - 1))
        return [((words, "warn"), (remedy, "accent"))]
