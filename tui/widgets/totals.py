"""The network's costs in one line."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import var

from cnn_tui.engine.specs.report import Report
from cnn_tui.tui.widgets.lines import Line, Lines
from cnn_tui.tui.words import compact, count


class Totals(Lines):
    """Parameters, multiply-adds, values kept for the backward pass; what was just done."""

    report: var[Report | None] = var(None, init=False)
    batch_size: var[int] = var(1, init=False)
    weights: var[str] = var("", init=False)
    """Whose trained weights fit the network, if any do."""

    def watch_report(self) -> None:
        """Show the new costs."""
        self.redraw()

    def watch_batch_size(self) -> None:
        """Show the new costs."""
        self.redraw()

    def watch_weights(self) -> None:
        """Show whose weights are in hand."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Whether all is well, then the totals."""
        report = self.report
        if report is None:
            return []
        issues = len(report.issues)
        words = "fits" if report.valid else count(issues, "issue")
        state = (words, "good" if report.valid else "error")
        memory = sum(inner.activations for layer in report.layers for inner in layer.walk())
        memory *= 4 * self.batch_size
        parts = (
            f"{report.total_params:,} parameters",
            f"{compact(report.total_macs)} multiply-adds",
            f"{compact(memory)}B activations",
            *([f"weights of {self.weights}"] if self.weights else ()),
        )
        if not report.layers:
            state = ("empty", "dim")
        return [((" ", ""), state, (_joined(parts, width - len(state[0]) - 1), ""))]


def _joined(parts: tuple[str, ...], room: int) -> str:
    """As many of the parts as there is room for."""
    text = ""
    for part in parts:
        if len(text) + 3 + len(part) <= room:
            text += f"   {part}"
    return text
