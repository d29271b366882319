"""A closer look at one baseline: how k was chosen, or what the first layer looks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.dashboard.folds import folds_picture
from cnn_tui.tui.screens.weights import Weights
from cnn_tui.tui.widgets.chart import Chart

if TYPE_CHECKING:
    from cnn_tui.engine.baselines.record import BaselineResult


class BaselineDetail(Vertical):
    """Shows a chart or pictures of the rung that it is given."""

    def __init__(self, root: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._root = root
        self._shown = ("", "")

    def compose(self) -> ComposeResult:
        """The chart, or the pictures."""
        yield Chart(id="folds")
        yield Weights(id="weights")

    def on_resize(self, event: object) -> None:
        """Other sizes of pictures and another number of ticks."""
        self._shown = ("", "")

    def show(self, baseline: str, rung: BaselineResult | None) -> None:
        """Show this one, which may not be done yet; the same again costs nothing."""
        wanted = (baseline, rung.run if rung else "")
        if wanted == self._shown or not self.is_mounted:
            return
        self._shown = wanted
        self.set_class(rung is not None and rung.cross_validation is not None, "-folds")
        weights = self.query_one(Weights)
        if rung is None:
            weights.say(f"{baseline}: not done yet")
        elif rung.cross_validation:
            self.call_after_refresh(self._draw_folds, rung)
        elif baseline == "knn":
            weights.say(f"k = {rung.k} was asked for, not chosen")
        else:
            weights.read(RunFolder(self._root / rung.run))

    def _draw_folds(self, rung: BaselineResult) -> None:
        chart = self.query_one(Chart)
        if rung.cross_validation:
            chart.picture = folds_picture(rung.cross_validation, chart.content_size.height - 3)

    def scroll(self, by: int) -> None:
        """Up or down through the pictures."""
        self.query_one(Weights).scroll(by)
