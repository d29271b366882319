"""The Runs screen: the list of runs and the commands on them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from cnn_tui.engine.files import is_regular
from cnn_tui.engine.recording.logs import ForeignLog
from cnn_tui.engine.runs.cleanup import TrashedRun, list_bin
from cnn_tui.engine.runs.compare import EpochCurve, read_curve
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import Order, RunEntry, list_runs, matches, sort_runs
from cnn_tui.engine.sweeps.folder import SWEEPS, SweepFolder, list_sweeps
from cnn_tui.tui.actions import RUNS, keyed
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.history.comparison import run_picture
from cnn_tui.tui.history.differing import Recipes
from cnn_tui.tui.history.run_rows import listing, listing_words, sweep_key
from cnn_tui.tui.history.sweep_folds import (
    NO_FOLDS,
    Folds,
    best_of,
    folds_of,
    sweep_about,
    sweep_of,
)
from cnn_tui.tui.messages import EditRun, InspectRun, WatchSweep
from cnn_tui.tui.screens.dialog import Prompt
from cnn_tui.tui.screens.folder import FolderScreen
from cnn_tui.tui.screens.run_changes import RunChanges
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.chart import Chart
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.widgets.run_details import RunDetails
from cnn_tui.tui.widgets.table import Table

_Read = tuple[list[RunEntry], list[TrashedRun], dict[str, str], frozenset[str]]
_REST = 0.15
"""Seconds that the cursor rests on a run before its curve is read."""
_ORDERS: tuple[Order, ...] = get_args(Order)
_OF_A_RUN = {
    "open", "tag", "note", "rename", "delete", "resume", "go_back", "reproduce", "mark", "weights",
    "build_on", "inspect",
}  # fmt: skip


class RunsScreen(FolderScreen[_Read], RunChanges):
    """Lists a folder of runs; reads it again while it is visible."""

    CSS_PATH = "runs.tcss"
    MODE = "runs"
    LOOK = 2.0
    SCOPES = (RUNS,)
    BINDINGS = bindings(RUNS)
    AUTO_FOCUS = "Table"
    HORIZONTAL_BREAKPOINTS = [*RunChanges.HORIZONTAL_BREAKPOINTS, (116, "-huge")]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._entries: list[RunEntry] = []
        self._binned: list[TrashedRun] = []
        self._order: Order = "created"
        self._words = ""
        self._recipes = Recipes()
        self._differing: dict[str, str] = {}
        self._sweeps: frozenset[str] = frozenset()
        self._folds: Folds = NO_FOLDS
        self._unfolded = set[str]()
        """The sweeps whose trials are listed."""
        self._curve: tuple[str, int] | None = None
        """The run and the step whose curve was read last."""

    def compose_body(self) -> ComposeResult:
        yield Table((), id="runs")
        yield TextLines(id="listing")
        with Horizontal(id="chosen"):
            yield Chart(id="curves")
            yield RunDetails(id="run")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Table).border_title = "runs"
        self._present()
        self.watch_folder()

    def _read(self) -> _Read:
        entries = list_runs(self._root, sizes=True)
        differing = self._recipes.differences([RunFolder(Path(entry.path)) for entry in entries])
        sweeps = frozenset(folder.name for folder in list_sweeps(self._root))
        return entries, list_bin(self._root), differing, sweeps

    def _listed(self, listed: _Read) -> None:
        self._entries, self._binned, self._differing, self._sweeps = listed
        self._present()

    @property
    def _entry(self) -> RunEntry | None:
        name = self.query_one(Table).chosen
        return next((entry for entry in self._entries if entry.name == name), None)

    @property
    def _sweep(self) -> str:
        """The sweep whose row is under the cursor."""
        chosen = self.query_one(Table).chosen
        return next((sweep for sweep in self._folds if sweep_key(sweep) == chosen), "")

    def _present(self) -> None:
        if not self.is_mounted:
            return
        table = self.query_one(Table)
        shown = [entry for entry in self._entries if matches(entry, self._words)]
        table.empty = self._empty()
        table.marked &= {entry.name for entry in self._entries}
        self.set_class(self._known and not self._entries, "-none")
        ordered = sort_runs(shown, self._order)
        # What a filter finds is listed, also where it is a trial.
        self._folds = NO_FOLDS if self._words else folds_of(ordered, self._sweeps)
        table.columns, records = listing(ordered, self._differing, self._folds, self._unfolded)
        table.records = records
        self._present_run()
        self.refresh_bindings()

    def _empty(self) -> str:
        if not self._known:
            return "reading..."
        if self._entries:
            return f"no run matches {self._words!r}: " + keyed(
                "{runs.filter} changes the filter, - removes it"
            )
        return (
            keyed(
                "no run yet: {build.train} in Build starts one, {app.demo} plays a recorded one. "
            )
            + f"Runs are kept in {self._root}"
        )

    @on(Table.Highlighted)
    def _present_run(self) -> None:
        listed = listing_words(self._entries, self._binned, self._order, self._words)
        self.query_one("#listing", TextLines).rows = (listed,)
        details, entry, sweep = self.query_one(RunDetails), self._entry, self._sweep
        details.words = sweep_about(sweep, self._folds[sweep]) if sweep else ""
        details.differing = self._differing.get(entry.name, "") if entry else ""
        details.settings = self._recipes.words(entry.name) if entry else ()
        details.entry = entry
        self.set_timer(_REST, self._present_curve)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._curve = None
        self.call_after_refresh(self._present_curve)

    def _present_curve(self) -> None:
        """Read the curve of the run, if there is room for it and the cursor rests on it."""
        sweep, chart = self._sweep, self.query_one(Chart)
        entry = best_of(self._folds[sweep]) if sweep else self._entry
        if not self.is_mounted or entry is None or not chart.content_size:
            return
        wanted = (entry.name, entry.summary.step)
        if wanted == self._curve:
            return
        self._curve = wanted

        def drawn(curve: EpochCurve) -> None:
            if wanted == self._curve and self.is_mounted:
                chart.picture = run_picture(curve, chart.content_size.height - 3)

        folder = RunFolder(Path(entry.path))
        run_in_thread(self, lambda: read_curve(folder), drawn, self._fail)

    @on(Table.Chosen)
    def action_open(self) -> None:
        if self._folder:
            self.open_run(self._folder)
        elif self._sweep:
            self.post_message(WatchSweep(SweepFolder(self._root / SWEEPS / self._sweep)))

    def action_fold(self) -> None:
        """Hide the trials of the sweep under the cursor."""
        sweep = self._sweep or sweep_of(self.query_one(Table).chosen, self._folds)
        self._unfolded.discard(sweep)
        self._present()
        self.query_one(Table).choose(sweep_key(sweep))
        self._present_run()

    def action_unfold(self) -> None:
        """List the trials of the sweep under the cursor below it."""
        self._unfolded.add(self._sweep)
        self._present()

    def open_run(self, source: RunFolder | ForeignLog) -> None:
        """Show a run, live if a process is training it, or the log of another program."""
        from cnn_tui.tui.screens.watch import WatchScreen

        self.app.push_screen(WatchScreen(source))

    def action_weights(self) -> None:
        from cnn_tui.tui.screens.weights import WeightsScreen

        if self._folder:
            self.app.push_screen(WeightsScreen(self._folder))

    def action_mark(self) -> None:
        table = self.query_one(Table)
        if table.chosen:
            table.marked ^= {table.chosen}
            table.action_go(1)

    def action_compare(self) -> None:
        """Compare the marked runs, or a reproduction with its original."""
        from cnn_tui.tui.screens.compare import CompareScreen

        table = self.query_one(Table)
        names = [record.key for record in table.records if record.key in table.marked]
        original = self._entry.summary.again_of if self._entry else ""
        if (
            len(names) < 2
            and self._entry
            and original
            and is_regular(self._root / original / "run.json")
        ):
            names = [original, self._entry.name]
        if len(names) < 2:
            self.notify("Mark two runs or more with m, then compare them.")
            return
        self.app.push_screen(CompareScreen([RunFolder(self._root / name) for name in names]))

    def action_sort(self) -> None:
        self._order = _ORDERS[(_ORDERS.index(self._order) + 1) % len(_ORDERS)]
        self._present()

    @work
    async def action_filter(self) -> None:
        about = "words in name, network, data, state, tags or note, - for all"
        prompt = Prompt("Filter runs", self._words, about=about)
        answer = await self.app.push_screen_wait(prompt)
        self._words = answer.removeprefix("-") if answer else self._words
        self._present()

    def action_build_on(self) -> None:
        if self._folder:
            self.post_message(EditRun(self._folder))

    def action_inspect(self) -> None:
        if self._folder:
            self.post_message(InspectRun(self._folder))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("sort", "compare", "filter"):
            return bool(self._entries)
        if self.is_mounted and action == "open" and self._sweep:
            return True
        if self.is_mounted and action == "unfold":
            return bool(self._sweep) and self._sweep not in self._unfolded
        if self.is_mounted and action == "fold":
            of_a_trial = sweep_of(self.query_one(Table).chosen, self._folds)
            return bool(of_a_trial) or self._sweep in self._unfolded
        if action in _OF_A_RUN and self.is_mounted:
            return self._entry is not None
        return super().check_action(action, parameters)
