"""A run of any process on the Train screen, read from its folder and controlled through it."""

from __future__ import annotations

from dataclasses import replace

from textual import work

from cnn_tui.engine.recording.logs import ForeignLog
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.requests import Request
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui.actions import CHARTS, WATCH
from cnn_tui.tui.bindings import bindings, charts_of
from cnn_tui.tui.building.fields import form_fields
from cnn_tui.tui.history.watching import Watched
from cnn_tui.tui.messages import EditRun, InspectRun
from cnn_tui.tui.screens.dialog import Answer, Prompt, Question
from cnn_tui.tui.screens.resuming import ask_how_to_resume
from cnn_tui.tui.screens.run import RunScreen
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.words import clean

_OF_A_RUN = ("pause", "stop", "learning_rate", "resume", "build_on", "inspect")
"""What can be done with a run, not with a log, which is only read."""


class WatchScreen(RunScreen, inherit_bindings=False):
    """Follows a run, or the log of another program, as long as it is open."""

    SCOPES = (WATCH, CHARTS)
    BINDINGS = [*bindings(WATCH), *charts_of(WATCH)]

    def __init__(self, source: RunFolder | ForeignLog, mode: str = "runs") -> None:
        """``mode`` is the main screen from which it was opened."""
        self.MODE = mode
        self._watched = Watched(source)
        super().__init__(self._watched)

    def idle_words(self) -> str:
        return f"reading {self._watched.source.path}"

    def on_mount(self) -> None:
        super().on_mount()
        self._watched.start()
        self._look()
        self.set_interval(1 / getattr(self.app, "link", Link()).fps, self._look)

    def on_unmount(self) -> None:
        self._watched.close()

    def _look(self) -> None:
        watched = self._watched
        while watched.answers:
            accepted, words = watched.answers.popleft()
            self.notify(words, severity="information" if accepted else "error", markup=False)
        before = watched.view
        watched.poll()
        self.heading = self.heading_for(Heading())
        self.present()
        if watched.view != before:
            self.refresh_bindings()

    def heading_for(self, built: Heading) -> Heading:
        """Return the name of the run, its recipe and data."""
        return replace(super().heading_for(built), name=clean(self._watched.source.name))

    def action_pause(self) -> None:
        self._watched.ask(Request("resume" if self._watched.board.paused else "pause"))

    @work
    async def action_stop(self) -> None:
        question = Question(f"Stop {self._watched.source.name}?", [Answer("y", "stop it")])
        if await self.app.push_screen_wait(question) == "y":
            self._watched.ask(Request("stop"))

    @work
    async def action_learning_rate(self) -> None:
        now = self._watched.view.lr
        parse = next(field for field in form_fields(Settings) if field.name == "lr").parse
        shown = "" if now is None else f"{now:g}"
        prompt = Prompt("Learning rate from the next batch on", shown, parse)
        answer = await self.app.push_screen_wait(prompt)
        if answer:
            self._watched.ask(Request("lr", parse(answer)))

    @work
    async def action_resume(self) -> None:
        folder = self._watched.folder
        wanted = await ask_how_to_resume(self.app, folder) if folder else None
        if wanted:
            self.post_message(wanted)

    def action_build_on(self) -> None:
        if folder := self._watched.folder:
            self.post_message(EditRun(folder))

    def action_inspect(self) -> None:
        if folder := self._watched.folder:
            self.post_message(InspectRun(folder))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        watched = self._watched
        if action in _OF_A_RUN and watched.folder is None:
            return False
        if action in ("resume", "build_on", "inspect") and (watched.is_foreign or watched.gone):
            return False
        if action in ("pause", "stop", "learning_rate"):
            return self._watched.live
        if action == "resume":
            return not self._watched.live
        return super().check_action(action, parameters)
