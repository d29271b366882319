"""The baselines on the network's data: a table, a chart, and a detail pane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from cnn_tui.engine.data.sources import SOURCES
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.actions import LADDER, keyed
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.dashboard.baseline_charts import chart_of, folds_picture
from cnn_tui.tui.history.baseline_runner import RUNGS, BaselineRunner, Planned, records_of
from cnn_tui.tui.rows import Column, Line, bar
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.screens.starting import ask_for_data
from cnn_tui.tui.screens.weights import Weights
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.training import Places
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.widgets.chart import Chart
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.widgets.table import Table
from cnn_tui.tui.words import BETWEEN, clean, packed

if TYPE_CHECKING:
    from cnn_tui.engine.baselines.record import BaselineResult
    from cnn_tui.engine.specs.network import Network


_COLUMNS = (
    Column("baseline"),
    Column("test accuracy", right=True),
    Column("training", right=True),
    Column("prediction", right=True),
    Column("params", right=True),
    Column("run", rank=1),
)


_IDEAS = {
    "knn": "An image gets the class that most of the k training images nearest to it have, by the "
    "distance of raw pixels. Nothing is learned; k is chosen by cross-validation.",
    "linear-svm": "One template of pixels for each class, and the class whose template fits best; "
    "the hinge loss asks the right one to win by a margin.",
    "linear-softmax": "One template of pixels for each class as well, trained with the softmax "
    "cross-entropy, so that the scores are probabilities.",
    "two-layer": "A hidden layer of ReLUs between pixels and scores: several templates a class, "
    "but each still bound to its place in the image.",
    "convnet": "Small filters that slide over the image: what is learned in one place is known in "
    "all others.",
}
"""What each baseline is, for its place before it has a result."""


class BaselinesScreen(ModeScreen):
    """Runs the baselines while it is open; finished ones are read from the runs."""

    CSS_PATH = "runs.tcss"
    SCOPES = (LADDER,)
    BINDINGS = bindings(LADDER)
    AUTO_FOCUS = "Table"

    def __init__(self, mode: str, network: Network, places: Places) -> None:
        super().__init__()
        self.MODE = mode
        self._network, self._places = network, places
        self._climb = self._runner()
        self._control: Control | None = None
        self._words = "reading the data"

    def compose_body(self) -> ComposeResult:
        yield Table(_COLUMNS, title="baselines", id="rungs")
        yield TextLines(id="climb")
        yield TextLines(id="bars")
        yield BaselineDetail(self._places.runs, id="closer")

    def on_mount(self) -> None:
        super().on_mount()
        self.heading = Heading("baselines", clean(self._network.data))
        self._look()
        self.set_interval(0.25, self._look)
        run_in_thread(self, self._climb.look, self._seen, self._fail)

    def on_unmount(self) -> None:
        """Stop after the current batch, with a checkpoint, and what is read."""
        self._climb.closed = True
        self.action_stop()

    def on_resize(self, event: object) -> None:
        self.call_after_refresh(self._look)

    def _seen(self, nothing: None) -> None:
        done = len(self._climb.rungs)
        if done and not self._control:
            rest = (
                "all are complete"
                if done == len(RUNGS)
                else keyed("{ladder.start} trains the rest")
            )
            self._words = f"{done} of {len(RUNGS)} complete; {rest}"
        elif self._climb.chance and not self._control:
            start = keyed("{ladder.start} trains the missing baselines")
            self._words = f"{start}; a guess is right in {self._climb.chance:.1%}"
        self._look()

    def action_climb(self) -> None:
        """Start, or resume after a stop."""
        if self._control is not None:
            return
        control = self._control = Control()
        run_in_thread(self, lambda: self._climb.run(control), self._done, self._fail)
        self.refresh_bindings()

    def action_stop(self) -> None:
        """Stop after the current batch; the next start resumes there."""
        if self._control:
            self._control.stop()

    def _done(self, nothing: None) -> None:
        stopped = self._control is not None and self._control.stopping
        self._words = (
            keyed("stopped; {ladder.start} resumes")
            if stopped
            else "complete; each is among the runs"
        )
        self._control = None
        self._look()

    def _fail(self, error: CnnTuiError) -> None:
        self._words, self._control = f"! {clean(self._why(error))}", None
        self._look()

    @property
    def _can_fetch(self) -> bool:
        """Whether the data is missing and can be downloaded."""
        return self._places.lacks(self._network.data) in SOURCES

    def _why(self, error: CnnTuiError) -> str:
        """The error, with the keys that help in place of commands."""
        if not self._places.lacks(self._network.data):
            return str(error)
        fetch = keyed("{ladder.fetch} downloads it, ") if self._can_fetch else ""
        return f"{error.message} {fetch}" + keyed("{ladder.folder} opens the folder of a copy")

    @on(Table.Highlighted)
    def _look(self) -> None:
        if not self.is_mounted:
            return
        climb, width = self._climb, self.size.width
        table = self.query_one(Table)
        table.records = records_of(climb.rungs, climb.baseline, climb.planned)
        self.query_one("#bars", TextLines).rows = chart_of(climb.rungs, width)
        self.set_class(not climb.rungs, "-none")
        state = self.query_one("#climb", TextLines)
        state.rows = self._state(width)
        chosen = next((rung for rung in climb.rungs if rung.baseline == table.chosen), None)
        self.query_one(BaselineDetail).show(
            table.chosen, chosen, climb.planned, alone=bool(climb.rungs)
        )
        self.refresh_bindings()

    def _state(self, width: int) -> tuple[Line, ...]:
        if self._control:
            what = self._climb.reading or self._climb.what
            return (((f" {what} ", ""), *bar(self._climb.share, 24)),)
        words = self._climb.reading or self._words
        role = "error" if words.startswith("!") else ""
        return tuple(((f" {line}", role),) for line in wrap(words, max(20, width - 4)))

    def action_closer(self) -> None:
        """Enlarge the detail pane in place of the chart, and back."""
        self.toggle_class("-closer")

    def action_scroll(self, by: int) -> None:
        self.scroll_rows(self.query_one(Weights).room, by)

    def action_fetch(self) -> None:
        """Download missing data."""
        from cnn_tui.tui.screens.datasets import DataScreen

        wanted = self._places.lacks(self._network.data)
        if wanted:
            screen = DataScreen(self.MODE, self._places, wanted, fetch=True)
            self.app.push_screen(screen, self._fetched)

    @work
    async def action_give_folder(self) -> None:
        """Ask for the folder of missing data."""
        wanted = self._places.lacks(self._network.data)
        if wanted and await ask_for_data(self.app, wanted, self._places):
            self._fetched(None)

    def _runner(self) -> BaselineRunner:
        places = self._places
        folder = places.data_of(self._network.data)
        skip = places.skip_damaged
        return BaselineRunner(self._network, places.runs, folder, skip_damaged=skip)

    def _fetched(self, nothing: None) -> None:
        self._climb = self._runner()
        self._words = "reading the data"
        run_in_thread(self, self._climb.look, self._seen, self._fail)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("fetch", "give_folder"):
            lacks = self._places.lacks(self._network.data) is not None
            return self._can_fetch if action == "fetch" else lacks
        if action == "climb":
            return self._control is None
        if action == "stop":
            return self._control is not None
        return super().check_action(action, parameters)


class BaselineDetail(Vertical):
    """The cross-validation chart or the weights of a baseline."""

    def __init__(self, root: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._root = root
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield Chart(id="folds")
        yield Weights(id="weights")

    def on_resize(self, event: object) -> None:
        """Redraw at the next :meth:`show`: pictures and ticks depend on the size."""
        self._shown = ()

    def show(
        self,
        baseline: str,
        rung: BaselineResult | None,
        planned: Mapping[str, Planned],
        *,
        alone: bool,
    ) -> None:
        """Show a baseline, finished or not; repeating the same one costs nothing.

        Without any result all are described, if there is room; ``alone`` leaves out the others.
        """
        wanted = (baseline, rung.run if rung else "", len(planned), alone)
        if wanted == self._shown or not self.is_mounted:
            return
        self._shown = wanted
        self.set_class(rung is not None and rung.cross_validation is not None, "-folds")
        weights = self.query_one(Weights)
        if rung is None:
            width = min(self.size.width - 2, _LONGEST)
            rows = [] if alone else _described(RUNGS, baseline, planned, width)
            if not 0 < len(rows) <= self.size.height:
                rows = _described([baseline], "", planned, width)
            weights.clear(tuple(rows))
        elif rung.cross_validation:
            self.call_after_refresh(self._draw_folds, rung)
        elif baseline == "knn":
            weights.say(f"k = {rung.k} was given, not cross-validated")
        else:
            weights.read(RunFolder(self._root / rung.run))

    def _draw_folds(self, rung: BaselineResult) -> None:
        chart = self.query_one(Chart)
        if rung.cross_validation:
            chart.picture = folds_picture(rung.cross_validation, chart.content_size.height - 3)


def _described(
    names: Sequence[str], chosen: str, planned: Mapping[str, Planned], width: int
) -> list[Line]:
    """Return what some baselines are; of a single one also that it is not trained."""
    rows: list[Line] = []
    for name in names:
        state = "" if chosen else " not trained yet."
        words = f"{name}:{state} {_IDEAS.get(name, '')}"
        role = "" if name == chosen else "dim"
        rows += [()] * bool(rows)
        rows += [((f" {line}", role),) for line in wrap(words, max(20, width))]
        if name in planned:
            facts = BETWEEN.join((planned[name].layers, planned[name].length))
            rows += [((f" {line}", "dim"),) for line in packed(facts, max(20, width))]
    return rows


_LONGEST = 120
"""Columns of a line that is still read easily."""
