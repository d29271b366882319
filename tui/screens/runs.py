"""The history: every run in a line, what to do with one, and several side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from textual import on, work
from textual.app import ComposeResult

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs import manage
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import Entry, Order, list_runs, matches, sort_runs
from cnn_tui.tui.actions import RUNS, bindings
from cnn_tui.tui.aside import aside
from cnn_tui.tui.history.run_rows import COLUMNS, details, records
from cnn_tui.tui.screens.dialog import Answer, Prompt, Question
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.widgets.table import Table
from cnn_tui.tui.widgets.text_lines import TextLines

_LOOK = 2.0
"""Seconds between looks at the folder, in which other processes may train."""
_ORDERS: tuple[Order, ...] = get_args(Order)


class RunsScreen(ModeScreen):
    """Lists a folder of runs; looks again while it is in front."""

    MODE = "runs"
    SCOPES = (RUNS,)
    BINDINGS = bindings(RUNS)
    AUTO_FOCUS = "Table"

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._entries: list[Entry] = []
        self._order: Order = "created"
        self._words = ""
        self._known = self._reading = False

    def compose_body(self) -> ComposeResult:
        """The list, and more about the run under the cursor."""
        yield Table(COLUMNS, id="runs")
        yield TextLines(id="run")

    def on_mount(self) -> None:
        """Look into the folder now and from time to time."""
        super().on_mount()
        self._present()
        self.look()
        self.set_interval(_LOOK, self._look_if_seen)

    def on_screen_resume(self) -> None:
        """Runs may have come meanwhile."""
        self.look()

    def _look_if_seen(self) -> None:
        if self.is_current:
            self.look()

    def look(self) -> None:
        """Read the folder; on a thread, as it may be large or far away."""
        if not self._reading:
            self._reading = True
            aside(self, lambda: list_runs(self._root, sizes=True), self._take, self._fail)

    def _take(self, entries: list[Entry]) -> None:
        self._entries, self._known, self._reading = entries, True, False
        self._present()

    def _fail(self, error: CnnTuiError) -> None:
        self._reading = False
        complain(self.app, error)

    @property
    def _entry(self) -> Entry | None:
        name = self.query_one(Table).chosen
        return next((entry for entry in self._entries if entry.name == name), None)

    @property
    def _folder(self) -> RunFolder | None:
        return RunFolder(Path(self._entry.path)) if self._entry else None

    def _present(self) -> None:
        if not self.is_mounted:
            return
        table = self.query_one(Table)
        shown = [entry for entry in self._entries if matches(entry, self._words)]
        table.empty = self._empty()
        table.marked &= {entry.name for entry in self._entries}
        table.records = records(sort_runs(shown, self._order))
        self._present_run()
        self.refresh_bindings()

    def _empty(self) -> str:
        if not self._known:
            return "reading..."
        if self._entries:
            return f"no run matches {self._words!r}: / changes the filter"
        return f"no run yet: F5 in Build starts one, kept in {self._root}"

    @on(Table.Highlighted)
    def _present_run(self) -> None:
        lines = details(self._entry, self._entries, self._order, self._words)
        self.query_one(TextLines).rows = lines

    @on(Table.Chosen)
    def action_open(self) -> None:
        """Show the run, live if it is being trained."""
        if self._folder:
            self.open_run(self._folder)

    def open_run(self, folder: RunFolder) -> None:
        """Show a run."""
        from cnn_tui.tui.screens.watch import WatchScreen

        self.app.push_screen(WatchScreen(folder))

    def action_mark(self) -> None:
        """Mark the run for a comparison, or no more."""
        table = self.query_one(Table)
        if table.chosen:
            table.marked ^= {table.chosen}
            table.action_go(1)

    def action_compare(self) -> None:
        """Show the marked runs side by side."""
        from cnn_tui.tui.screens.compare import CompareScreen

        table = self.query_one(Table)
        names = [record.key for record in table.records if record.key in table.marked]
        if len(names) < 2:
            self.notify("Mark two runs or more with m, then compare them.")
            return
        self.app.push_screen(CompareScreen([RunFolder(self._root / name) for name in names]))

    def action_sort(self) -> None:
        """Go to the next order."""
        self._order = _ORDERS[(_ORDERS.index(self._order) + 1) % len(_ORDERS)]
        self._present()

    @work
    async def action_filter(self) -> None:
        """Show only runs in which all of some words occur."""
        title = "Words in name, network, data, state, tags or note; none for all"
        self._words = await self.app.push_screen_wait(Prompt(title, self._words))
        self._present()

    @work
    async def action_tag(self) -> None:
        """Change the tags of the run."""
        entry, folder = self._entry, self._folder
        if entry and folder:
            prompt = Prompt(f"Tags of {entry.name}, - for none", " ".join(entry.tags))
            answer = await self.app.push_screen_wait(prompt)
            tags = () if answer == "-" else tuple(answer.split())
            if answer:
                self._do(lambda: manage.annotate(folder, tags=tags))

    @work
    async def action_note(self) -> None:
        """Change the note of the run."""
        entry, folder = self._entry, self._folder
        if entry and folder:
            answer = await self.app.push_screen_wait(
                Prompt(f"Note on {entry.name}, - for none", entry.note)
            )
            note = "" if answer == "-" else answer
            if answer:
                self._do(lambda: manage.annotate(folder, note=note))

    @work
    async def action_rename(self) -> None:
        """Give the run another name."""
        folder = self._folder
        if folder:
            answer = await self.app.push_screen_wait(Prompt("New name", folder.name))
            if answer and answer != folder.name:
                self._do(lambda: manage.rename_run(folder, answer))

    @work
    async def action_delete(self) -> None:
        """Move the run to the bin, after asking."""
        folder = self._folder
        if folder is None:
            return
        question = Question(f"Delete {folder.name}?", [Answer("y", "move it to the bin")])
        if await self.app.push_screen_wait(question) == "y" and self._do(
            lambda: manage.delete_run(folder)
        ):
            self.notify(f"In the bin; cnn-tui runs restore {folder.name} brings it back.")

    def _do(self, change: Callable[[], object]) -> bool:
        try:
            change()
        except CnnTuiError as error:
            complain(self.app, error)
            return False
        self.look()
        return True

    def action_resume(self) -> None:
        """Train the run on, here."""
        from cnn_tui.tui.app import CnnTuiApp

        if self._folder and isinstance(self.app, CnnTuiApp):
            self.app.resume(self._folder)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what there is a run for."""
        if action in ("open", "tag", "note", "rename", "delete", "resume", "mark", "sort"):
            return bool(self._entries)
        return super().check_action(action, parameters)
