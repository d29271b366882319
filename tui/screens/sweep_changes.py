"""What is done to a sweep from the list as from its own screen: start, refine, stop, resume."""

from __future__ import annotations

from functools import partial

from textual import work

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.sweeps.begin import plan_of
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.plan import SweepPlan, load_sweep
from cnn_tui.engine.sweeps.requests import SweepRequest, ask_sweep
from cnn_tui.engine.sweeps.state import read_sweep
from cnn_tui.engine.sweeps.writing import refine
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.messages import WatchSweep
from cnn_tui.tui.screens.dialog import Answer, Picker, Question
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.screens.sweep_plan import SweepPlanDialog, sweep_items
from cnn_tui.tui.sweeps.starting import require_installed, resume_sweep, start_sweep
from cnn_tui.tui.threads import in_thread, run_in_thread
from cnn_tui.tui.training import Places


class SweepChanges(ModeScreen):
    """A screen with a sweep under its cursor."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places

    @property
    def _folder(self) -> SweepFolder | None:
        raise NotImplementedError

    @work
    async def action_start(self) -> None:
        """Ask for a file, show what it would run, then start it in a process of its own."""
        try:
            require_installed()
            items = await in_thread(self, sweep_items)
            picker = Picker("Start a sweep", items, "the path of a sweep file", load_sweep)
            name = await self.app.push_screen_wait(picker)
            if not name:
                return
            await self._offer(await in_thread(self, lambda: load_sweep(name)))
        except CnnTuiError as error:
            self._fail(error)

    @work
    async def action_refine(self) -> None:
        """Show a finer sweep around the best trials, then start it."""
        folder = self._folder
        if folder is None:
            return
        try:
            require_installed()
            finer = await in_thread(self, lambda: refine(plan_of(folder), read_sweep(folder)))
            await self._offer(finer)
        except CnnTuiError as error:
            self._fail(error)

    async def _offer(self, plan: SweepPlan) -> None:
        """Show what a sweep would run, and start it if that is wanted."""
        if self._has_data(plan) and await self.app.push_screen_wait(SweepPlanDialog(plan)):
            self._start(plan)

    def _start(self, plan: SweepPlan) -> None:
        # Not awaited: keys would wait with it, for some seconds.
        self.notify(f"Starting {plan.name}: processes and libraries take some seconds.")
        runs, data_dir = self._places.runs, self._places.data_of(plan.base.data)
        start = partial(start_sweep, runs, plan, data_dir)
        run_in_thread(self.app, start, self._started, self._fail)

    def _started(self, folder: SweepFolder) -> None:
        if self.is_current:
            self.post_message(WatchSweep(folder))
        else:
            self.app.notify(f"The sweep {folder.name} runs: " + keyed("{app.sweeps} shows it."))

    def _has_data(self, plan: SweepPlan) -> bool:
        lacking = self._places.lacks(plan.base.data)
        if lacking:
            self.notify(
                f"The dataset {plan.base.data} is not here: "
                + keyed("{app.datasets} downloads it, or asks for its folder. ")
                + "Then start the sweep again.",
                severity="error",
                timeout=10,
            )
        return not lacking

    def action_resume(self) -> None:
        """Resume the sweep in a process of its own."""
        self._resume()

    def _resume(self, trials: int | None = None) -> None:
        """Resume the sweep; with ``trials`` until it has so many in all."""
        folder = self._folder
        if folder:
            self.notify(f"Resuming {folder.name}: processes and libraries take some seconds.")
            resume = partial(resume_sweep, folder, trials)
            run_in_thread(self.app, resume, lambda _: None, self._fail)

    @work
    async def action_stop(self) -> None:
        """Ask, then stop the sweep."""
        folder = self._folder
        if folder is None:
            return
        question = Question(
            f"Stop the sweep {folder.name}?",
            [
                Answer(
                    "y",
                    keyed("stop it; trials under way keep a checkpoint, {sweeps.resume} resumes"),
                )
            ],
        )
        if await self.app.push_screen_wait(question) == "y":
            self._ask(folder, SweepRequest("stop"))

    def _ask(self, folder: SweepFolder, request: SweepRequest) -> None:
        """Send a request; the answer is shown when it comes."""
        asked = partial(ask_sweep, folder, request)
        run_in_thread(self.app, asked, partial(self._answered, folder), self._fail)

    def _answered(self, folder: SweepFolder, words: str) -> None:
        self.app.notify(f"{folder.name} {words}.")

    def _fail(self, error: CnnTuiError) -> None:
        complain(self.app, error)
