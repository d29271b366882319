"""One sweep, live or ended: the table of its trials and views of them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.requests import MOST_TRIALS, SweepRequest
from cnn_tui.engine.sweeps.state import SweepState, SweepTrial
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.messages import InspectRun
from cnn_tui.tui.rows import Item, Line
from cnn_tui.tui.screens.dialog import Answer, Picker, Prompt, Question
from cnn_tui.tui.screens.sweep_changes import SweepChanges, allows
from cnn_tui.tui.sweep_actions import SWEEP
from cnn_tui.tui.sweeps.trials import TrialTable, require_filter
from cnn_tui.tui.sweeps.watching import WatchedSweep
from cnn_tui.tui.sweeps.words import heading_words, listing_words, next_order, progress
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.threads import in_thread
from cnn_tui.tui.training import Places
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.widgets.sweep_pane import SWEEP_VIEWS, Scene, SweepPane
from cnn_tui.tui.widgets.table import Table
from cnn_tui.tui.words import clean

_OF_A_TRIAL = ("open", "inspect", "prune")
_OF_THE_SWEEP = ("add", "stop", "resume", "refine")
_VIEWS = tuple(SWEEP_VIEWS)
_OF_FIELDS = ("parallel", "slice", "importance")
"""Views that show one field or mark it."""


class SweepScreen(SweepChanges):
    """Follows a sweep as long as it is open."""

    CSS_PATH = "sweeps.tcss"
    MODE = "sweeps"
    SCOPES = (SWEEP,)
    BINDINGS = bindings(SWEEP)
    AUTO_FOCUS = "Table"
    HORIZONTAL_BREAKPOINTS = [*SweepChanges.HORIZONTAL_BREAKPOINTS, (160, "-huge")]

    def __init__(self, places: Places, folder: SweepFolder) -> None:
        super().__init__(places)
        self._watched = WatchedSweep(folder)
        self._table = TrialTable()
        self._state: SweepState | None = None
        self._view, self._field = "curves", ""

    @property
    def _folder(self) -> SweepFolder:
        return self._watched.folder

    def compose_body(self) -> ComposeResult:
        yield TextLines(id="progress")
        yield Table((), id="trials")
        yield TextLines(id="views")
        with Horizontal(id="below"):
            yield SweepPane(id="pane")
            yield SweepPane(id="second")
            yield SweepPane(id="trial")

    def on_mount(self) -> None:
        super().on_mount()
        table = self.query_one(Table)
        table.border_title, table.empty = "trials", "reading..."
        self.query_one("#trial", SweepPane).view = "trial"
        self._look_first()

    @work
    async def _look_first(self) -> None:
        """Read the sweep while keys wait: there is nothing yet that they could act on."""
        await in_thread(self, self._watched.read)
        self._watched.start()
        self._look()
        self.set_interval(1 / getattr(self.app, "link", Link()).fps, self._look)

    def on_unmount(self) -> None:
        self._watched.close()

    def heading_for(self, built: Heading) -> Heading:
        """Return the name of the sweep and its state."""
        state = self._state
        return Heading(clean(self._folder.name), state=heading_words(state) if state else "")

    def present(self) -> None:
        if self.is_mounted and self._state:
            self._show(self._state)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self.present)

    def _look(self) -> None:
        watched = self._watched
        before, self._state = self._state, watched.state
        if watched.gone:
            self.query_one("#progress", TextLines).rows = (((f" {clean(watched.gone)}", "error"),),)
        elif self._state and self._is_seen:
            if self._state != before:
                self._show(self._state)
            elif self._state.phase == "running":
                self._show_progress(self._state)
        if self._state and (before is None or before.phase != self._state.phase):
            self.heading = self.heading_for(Heading())
            self.refresh_bindings()

    @property
    def _is_seen(self) -> bool:
        return self.is_current or self.app.screen.is_modal

    def _show_progress(self, state: SweepState) -> None:
        line = self.query_one("#progress", TextLines)
        width = line.content_size.width or self.size.width
        line.rows = progress(state, datetime.now(UTC), width)

    def _show(self, state: SweepState) -> None:
        self._show_progress(state)
        table = self.query_one(Table)
        table.empty = self._empty(state)
        table.columns, table.records = self._table.listing(state)
        self._show_views()

    def _empty(self, state: SweepState) -> str:
        if state.trials:
            return f"no trial matches {self._table.words!r}: " + keyed(
                "{sweep.filter} changes the filter, - removes it"
            )
        return "no trial yet" + (": the first points come soon" if state.phase == "running" else "")

    @on(Table.Highlighted)
    def _show_views(self) -> None:
        state, table = self._state, self.query_one(Table)
        if state is None:
            return
        self._field = self._field if self._field in state.fields else (*state.fields, "")[0]
        scene = Scene(state, int(table.chosen) if table.chosen else None, self._field)
        other = "parallel" if self._view == "curves" else "curves"
        for name, view in (("pane", self._view), ("second", other), ("trial", "trial")):
            pane = self.query_one(f"#{name}", SweepPane)
            pane.view = view
            if pane.display:
                pane.scene = scene
        self.query_one("#views", TextLines).rows = (self._tabs(state, len(table.records)),)
        self.refresh_bindings()

    def _tabs(self, state: SweepState, shown: int) -> Line:
        """Return the names of the views and, at the right, what the table lists."""
        tabs = [
            (f"[{view}]", "strong") if view == self._view else (f" {view} ", "dim")
            for view in self._views
        ]
        listed = listing_words(state, shown, self._table.order, self._table.words)
        used = sum(len(text) for text, _ in (*tabs, *listed))
        width = self.query_one("#views").content_size.width
        return (*tabs, (" " * max(1, width - used), ""), *listed)

    @property
    def _views(self) -> tuple[str, ...]:
        """The views to choose from; that of the trial is always shown where there is room."""
        beside = self.query_one("#trial").display
        return tuple(view for view in _VIEWS if view != "trial" or not beside)

    @property
    def _trial(self) -> SweepTrial | None:
        chosen = self.query_one(Table).chosen
        trials = self._state.trials if self._state else ()
        return next((trial for trial in trials if str(trial.number) == chosen), None)

    def action_view(self, by: int) -> None:
        """Show the next view."""
        views = self._views
        at = views.index(self._view) if self._view in views else -1
        self._view = views[(at + by) % len(views)]
        self._show_views()

    def action_field(self, by: int) -> None:
        """Choose the next field."""
        fields = self._state.fields if self._state else ()
        self._field = fields[(fields.index(self._field) + by) % len(fields)]
        self._show_views()

    def action_sort(self, by: int) -> None:
        if self._state:
            self._table.order = next_order(self._state, self._table.order, by)
            self._show(self._state)

    @work
    async def action_filter(self) -> None:
        about = "words, or a field and a value, such as pruned or lr<0.01, - for all"
        check = partial(require_filter, self._state) if self._state else None
        prompt = Prompt("Filter trials", self._table.words, check, about)
        answer = await self.app.push_screen_wait(prompt)
        self._table.words = answer.removeprefix("-") if answer else self._table.words
        self.present()

    @on(Table.Chosen)
    @work
    async def action_open(self) -> None:
        """Show a run of the trial, live if it trains."""
        from cnn_tui.tui.screens.watch import WatchScreen

        run = await self._run_of_trial()
        if run:
            self.app.push_screen(WatchScreen(run, self.MODE))

    @work
    async def action_inspect(self) -> None:
        run = await self._run_of_trial()
        if run:
            self.post_message(InspectRun(run))

    async def _run_of_trial(self) -> RunFolder | None:
        """Return the run of the trial, after a question if it has several; None without one."""
        trial = self._trial
        if trial is None:
            return None
        name = trial.run
        if len(trial.runs) > 1:
            items = [Item(run, f"seed {at}") for at, run in enumerate(trial.runs)]
            title = f"Runs of trial {trial.number}"
            name = await self.app.push_screen_wait(Picker(title, items))
        run = self._folder.run_of(name) if name else None
        if run and not run.info_file.is_file():
            self.notify(f"{run.name} is not there: it has not begun, or was deleted or moved.")
            return None
        return run

    @work
    async def action_prune(self) -> None:
        trial = self._trial
        if trial is None:
            return
        question = Question(
            f"Prune trial {trial.number}?",
            [Answer("y", "end it after this batch; its run stays as it is")],
        )
        if await self.app.push_screen_wait(question) == "y":
            self._ask(self._folder, SweepRequest("prune", number=trial.number))

    @work
    async def action_add(self) -> None:
        answer = await self.app.push_screen_wait(Prompt("How many more trials", "10", _how_many))
        if not answer or self._state is None:
            return
        if self._state.phase == "running":
            self._ask(self._folder, SweepRequest("add", trials=_how_many(answer)))
        else:
            self._resume(self._state.total + _how_many(answer))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or self._state is None:
            return action not in (*_OF_A_TRIAL, *_OF_THE_SWEEP, "field", "sort")
        runs = self._state.phase == "running"
        match action:
            case "open" | "inspect":
                return self._trial is not None
            case "prune":
                trial = self._trial
                return runs and trial is not None and trial.state in ("waiting", "running")
            case "add":
                return runs or self._state.phase == "finished"
            case "stop" | "refine" | "resume":
                return allows(self._state, action)
            case "field":
                return self._view in _OF_FIELDS and len(self._state.fields) > 1
        return super().check_action(action, parameters)


def _how_many(text: str) -> int:
    """Read a number of trials."""
    number = int(text) if text.strip().isdigit() else 0
    if not 1 <= number <= MOST_TRIALS:
        raise ValueError(f"is no number from 1 to {MOST_TRIALS:,}.")
    return number
