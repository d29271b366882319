"""The numbers of the run in a column."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import var

from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.widgets.lines import Line, Lines


class Figures(Lines):
    """Speed, learning rate, losses apart, best so far, what it takes of the machine."""

    run: var[RunView] = var(RunView(), init=False)

    def watch_run(self) -> None:
        """Show the new numbers."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """A label and a number in each line."""
        run = self.run
        speed = "-" if run.images_per_second is None else f"{run.images_per_second:,.0f} images/s"
        rows = (
            ("speed", speed),
            ("lr", "-" if run.lr is None else f"{run.lr:.4g}"),
            ("L2 loss", "-" if run.l2_loss is None else f"{run.l2_loss:.4f}"),
            ("best val", run.best or "-"),
            ("use", run.usage or "-"),
        )
        return [((f" {label:<9}", "dim"), (value, "")) for label, value in rows]
