"""Commands on the run: steer, pause, end, take up again, let go."""

from __future__ import annotations

import asyncio
from functools import partial

from textual import work

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.again import original_of, plan_again
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.events import Remedy
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui import screens
from cnn_tui.tui.aside import aside
from cnn_tui.tui.commands.beginning import BeginCommands
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.history.going_on import (
    repeat_here,
    resume_apart,
    resume_here,
    see_begun,
)
from cnn_tui.tui.history.overlays import read_board
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.session import Runner


class TrainingCommands(BeginCommands, inherit_bindings=False):
    """Adds what steers and ends a run."""

    def action_pause(self) -> None:
        """Pause the run or let it go on."""
        if self.session.active:
            self.session.toggle_pause()
            self.look()

    @work
    async def action_settings(self) -> None:
        """Change learning rate, L2, dropout or batch size from the next batch on."""
        if self.session.active and self.board.settings:
            dialog = screens.SettingsDialog(self.board.settings)
            for change in await self.push_screen_wait(dialog):
                self.session.change(change.name, change.value)

    @work
    async def action_remedy(self) -> None:
        """Do what the newest verdict advises, at once or by beginning anew."""
        alert = self.board.remedied
        if alert is None or alert.remedy is None:
            return
        if self.session.active and not alert.remedy.restart:
            self.session.steer(alert.remedy)
        elif not await self._begin_anew(alert.remedy):
            return
        self.board.standing.pop((alert.code, alert.layer), None)
        self.look()

    async def _begin_anew(self, remedy: Remedy) -> bool:
        from cnn_tui.engine.training.remedies import apply

        question = screens.Question(
            f"{remedy.description} This run ends.", [screens.Answer("y", "do it")]
        )
        if self.session.active and await self.push_screen_wait(question) != "y":
            return False
        self.session.stop()
        while self.session.active:
            await asyncio.sleep(0.02)
        self.take_news()
        self.builder.rewrite(apply(self._taken_up or self.builder.network, remedy))
        self._begin()
        self.action_mode("train")
        return True

    @work
    async def action_stop(self) -> None:
        """End the run, after asking whether its state is to be kept."""
        answers = [
            screens.Answer("y", "end it, keeping its state"),
            screens.Answer("d", "end it as last kept"),
        ]
        answer = ""
        if self.session.active:
            answer = await self.push_screen_wait(screens.Question("End this run?", answers))
        if answer:
            self.session.stop(keep=answer == "y")
            self.look()

    async def watch_run(self, folder: RunFolder) -> None:
        """Show a run, live if somebody trains it."""
        await self.switch_mode("runs")
        if isinstance(self.screen_stack[0], screens.RunsScreen):
            self.screen_stack[0].open_run(folder)

    def resume(self, folder: RunFolder, network: Network, from_step: int | None = None) -> bool:
        """Train a run on, here, perhaps from an earlier state; whether it was begun."""
        runner = partial(resume_here, folder=folder, from_step=from_step)
        return self._take_up(network, runner)

    def repeat(self, folder: RunFolder, change: tuple[str, str] | None) -> bool:
        """Train a run once more, the curves of the first behind; whether it was begun."""
        try:
            network, again = plan_again(folder, change)
        except CnnTuiError as error:
            complain(self, error)
            return False
        aside(self, lambda: read_board(folder), self._overlay, partial(complain, self))
        return self._take_up(network, partial(repeat_here, folder=folder, again=again))

    def _take_up(self, network: Network, runner: Runner) -> bool:
        if self.session.active:
            self.notify("A run is under way here: end or detach it first.", severity="error")
            return False
        self.board, self._taken_up = Board(settings=Settings.of(network.training)), network
        self.trained_network = network
        self.session.start(network, runner)
        self.action_mode("train")
        self.look()
        return True

    def _overlay(self, board: Board) -> None:
        self._earlier = board
        self.present()

    def action_compare(self) -> None:
        """Show the run beside the one that it repeats."""
        original = original_of(self.board.kept) if self.board.kept else None
        if original is None or self.board.kept is None:
            self.notify("This run repeats no other that is still there.")
        else:
            self.clear_notifications()
            self.push_screen(screens.CompareScreen([original, self.board.kept]))

    @work
    async def action_detach(self) -> None:
        """Let the run go on in a process of its own, from a checkpoint; then watch it."""
        kept = self.board.kept
        if kept is None:
            self.notify("This run is not kept in a folder: it cannot go on without the app.")
            return
        self.session.stop()
        while self.session.active:
            await asyncio.sleep(0.05)
        self.look()
        if not self.board.stopped:
            return
        try:
            await see_begun(resume_apart(kept), kept)
        except CnnTuiError as error:
            complain(self, error)
            return
        self.board.handed_on = True
        await self.watch_run(kept)

    def stopped_run(self) -> RunFolder | None:
        """The folder of a run that was stopped and is not being written any more."""
        if self.session.active:
            return None
        self.take_news()
        return self.board.kept if self.board.stopped and not self.board.handed_on else None
