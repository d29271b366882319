"""What is done to a sweep from the list as from its own screen: start, stop, resume."""

from __future__ import annotations

from pathlib import Path

from textual import work

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.requests import SweepRequest, ask_sweep
from cnn_tui.tui.screens.dialog import Answer, Question
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.threads import in_thread


class SweepChanges(ModeScreen):
    """A screen with a sweep under its cursor."""

    def __init__(self, root: Path) -> None:
        """``root`` is the folder of runs."""
        super().__init__()
        self._root = root

    @property
    def _folder(self) -> SweepFolder | None:
        raise NotImplementedError

    @work
    async def action_stop(self) -> None:
        """Ask, then stop the sweep."""
        folder = self._folder
        if folder is None:
            return
        question = Question(
            f"Stop the sweep {folder.name}?",
            [Answer("y", "stop it; trials under way keep a checkpoint, R resumes")],
        )
        if await self.app.push_screen_wait(question) == "y":
            await self._ask(folder, SweepRequest("stop"))

    async def _ask(self, folder: SweepFolder, request: SweepRequest) -> None:
        """Send a request and show the answer."""
        try:
            self.notify(await in_thread(self, lambda: ask_sweep(folder, request)))
        except CnnTuiError as error:
            self._fail(error)

    def _fail(self, error: CnnTuiError) -> None:
        complain(self.app, error)
