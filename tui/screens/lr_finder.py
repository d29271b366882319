"""The learning-rate finder: trains a copy at rising rates and suggests one of them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.dashboard.rates import moved, rates_picture
from cnn_tui.tui.screens.dialog import TitledWindow
from cnn_tui.tui.screens.experiment import ExperimentDialog
from cnn_tui.tui.session import load_compatible, progress_of
from cnn_tui.tui.threads import Experiment
from cnn_tui.tui.widgets.chart import Chart
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.words import clock

if TYPE_CHECKING:
    from cnn_tui.engine.training.lr_finder import LrCurve, LrPoint

_LOW, _HIGH, _STEPS = 1e-5, 10.0, 100
Target = Literal["recipe", "run"]


@dataclass(frozen=True)
class Taken:
    """A learning rate and its destination."""

    lr: float
    target: Target


class LrFinderDialog(ExperimentDialog["LrPoint", Taken]):
    """Returns the accepted rate, if there is one."""

    BINDINGS = [
        Binding("enter", "take('recipe')", show=False),
        Binding("r", "take('run')", show=False),
        Binding("left,h", "move(-1)", show=False),
        Binding("right,l", "move(1)", show=False),
        Binding("home", "back", show=False),
    ]

    def __init__(
        self, network: Network, data_dir: Path | None, fps: float, *, running: bool
    ) -> None:
        super().__init__(Experiment(self._sweep), fps)
        self._network, self._data_dir, self._beside_run = network, data_dir, running
        self._curve: LrCurve | None = None
        self._cursor: float | None = None

    def compose(self) -> ComposeResult:
        of = f"Learning rate: {self._network.name} on {self._network.data}"
        with TitledWindow(of, classes="experiment"):
            yield Chart(id="rates")
            yield TextLines(id="said")
            yield Static(classes="hint")

    def _sweep(self, stopping: Callable[[], bool]) -> Generator[LrPoint, None, None]:
        from cnn_tui.engine.cores import default_threads
        from cnn_tui.engine.training.lr_finder import sweep

        network, dataset, _ = load_compatible(
            self._network,
            self._data_dir,
            progress_of(self.prepare, stopping),
            skip_damaged=True,
        )
        threads = default_threads()
        yield from sweep(network, dataset, steps=_STEPS, low=_LOW, high=_HIGH, threads=threads)

    @property
    def lr(self) -> float | None:
        """The rate at the cursor, else the suggested one."""
        return self._cursor or (self._curve.lr if self._curve else None)

    def show(self) -> None:
        points = tuple(self.experiment.results)
        if self.over and points and self._curve is None:
            from cnn_tui.engine.training.lr_finder import read_curve

            self._curve = read_curve(list(points), _STEPS)
        chart = self.query_one(Chart)
        suggested = self._curve.lr if self._curve else None
        rows = chart.content_size.height - 3
        chart.picture = rates_picture(
            points, _LOW, _HIGH, rows, suggested=suggested, cursor=self._cursor
        )
        said = self.query_one(TextLines)
        words, role = self._said(len(points))
        said.rows = tuple(((line, role),) for line in wrap(words, max(8, said.content_size.width)))
        self.say(self._keys())

    def _said(self, steps: int) -> tuple[str, str]:
        """Return the message below the chart and its role."""
        if self.trouble:
            return self.trouble, "error"
        curve = self._curve
        if curve is None:
            if self.over or not steps:
                return "" if self.over else self.preparation or "reading the data ...", "dim"
            left = clock(self.experiment.seconds / steps * (_STEPS - steps))
            return (
                f"step {steps} of {_STEPS}, {left} left (stops early if the loss diverges)",
                "dim",
            )
        if curve.lr is None:
            early = "stopped too early."
            return f"No suggestion: {early if self.experiment.cancelled else curve.reason}", "warn"
        return f"Suggested {curve.lr:g}: {curve.reason}", ""

    def _keys(self) -> str:
        if not self.over:
            return "x stops, esc closes and stops"
        if self.lr is None:
            return "left/right choose a rate, esc closes"
        run = f"r sets {self.lr:g} in the run, " if self._beside_run else ""
        recipe = "enter sets it in the recipe" if run else f"enter sets {self.lr:g} in the recipe"
        return f"{run}{recipe}, left/right move, esc closes"

    def action_move(self, steps: int) -> None:
        if self.over and self.experiment.results:
            self._cursor = moved(self.lr or 1e-3, steps, _LOW, _HIGH)
            self.show()

    @on(Chart.Pointed)
    def _pointed(self, event: Chart.Pointed) -> None:
        """Move the cursor to what is clicked, with three digits; the axis is logarithmic."""
        if self.over and self.experiment.results and not event.zoom:
            self._cursor = float(f"{min(max(10**event.x, _LOW), _HIGH):.3g}")
            self.show()

    def action_back(self) -> None:
        """Return to the suggested rate."""
        self._cursor = None
        self.show()

    def action_take(self, target: Target) -> None:
        """Close with the rate, if there is one."""
        if self.over and self.lr is not None and (self._beside_run or target == "recipe"):
            self.action_finish(Taken(self.lr, target))
