"""State of the run in three lines: what it does, how far it is, where the losses stand."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import var

from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.widgets.lines import Line, Lines
from cnn_tui.tui.words import clean, clock, fit

STATE_ROLES = {"failed": "error", "paused": "warn", "done": "good", "training": "accent"}


class RunStatus(Lines):
    """The state in words and two bars that move only forward."""

    run: var[RunView] = var(RunView(), init=False)

    def watch_run(self) -> None:
        """Show the new numbers."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """State, then progress."""
        return [self._state(width), self._progress(width)]

    def _state(self, width: int) -> Line:
        run = self.run
        left = "" if run.seconds_left is None else f"   left {clock(run.seconds_left)}"
        right = f"time {clock(run.seconds)}{left} "
        words = clean(run.detail) or _HINTS.get(run.state, "")
        word = run.state + (":" if words else "")
        room = width - len(right) - len(word) - 2
        role = STATE_ROLES.get(run.state, "strong")
        return ((f" {word} ", role), (fit(words, room - 1) + " ", ""), (right, "dim"))

    def _progress(self, width: int) -> Line:
        run = self.run
        of = f"/{run.epochs}" if run.epochs else ""
        labels = f" epoch {run.epoch}{of} ", "   run "
        room = max(8, width - sum(map(len, labels)) - 12)
        return (
            (labels[0], "dim"),
            *bar(run.epoch_progress, room // 2),
            (labels[1], "dim"),
            *bar(run.progress, room - room // 2),
        )


_HINTS = {
    "ready": "F5 starts",
    "starting": "reading the data",
    "pausing": "after this batch",
    "stopping": "after this batch",
    "paused": "space resumes",
}


def bar(fraction: float, width: int) -> Line:
    """A bar and its percentage; it counts down to whole columns, so that full means done."""
    full = int(min(1.0, max(0.0, fraction)) * width)
    return (
        ("━" * full, "accent"),
        ("─" * (width - full), "faint"),
        (f" {int(fraction * 100):>3}%", ""),
    )
