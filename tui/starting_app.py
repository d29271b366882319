"""What begins a run: the network being built, a checkpoint, a run again, and the checks before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work

from cnn_tui.engine.data.sources import IMAGENET
from cnn_tui.engine.errors import MemoryLimitError, MismatchError
from cnn_tui.tui import screens
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.messages import ReproduceRun, ResumeRun, TrainRequested
from cnn_tui.tui.quick_app import QuickApp
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.starting import (
    Start,
    ask_about_damaged,
    ask_about_memory,
    ask_before_training,
    ask_to_fit,
    have_data,
    start_without_asking,
)
from cnn_tui.tui.session import Refusal
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.training import Training

if TYPE_CHECKING:
    from cnn_tui.tui.dashboard.board import Board


class StartingApp(QuickApp, inherit_bindings=False):
    """The base of the app that begins runs, each after the questions it needs."""

    def __init__(self, builder: Builder, training: Training, link: Link) -> None:
        super().__init__(link)
        self.builder, self.training, self.places = builder, training, training.places

    def poll(self) -> None:
        """Show what the run has reported since the last poll."""
        raise NotImplementedError

    def show(self) -> None:
        """Draw what is visible from the model."""
        raise NotImplementedError

    def action_mode(self, mode: str) -> None:
        """Switch to a mode."""
        raise NotImplementedError

    def action_train(self) -> None:
        """Start a run of the network being built, or show the active run."""
        self._train(TrainRequested())

    @on(TrainRequested)
    def _train(self, event: TrainRequested) -> None:
        # A worker only if there is a question: keys that follow at once belong to the new screen.
        if self.training.active:
            self.action_mode("train")
        elif not self.builder.report.valid:
            self._refuse()
        elif (start := start_without_asking(self.builder, self.places)) is not None:
            self._start(start, event)
        else:
            self._ask_before_training(event)

    @work
    async def _ask_before_training(self, event: TrainRequested) -> None:
        start = await ask_before_training(self, self.builder, self.places)
        if start is not None and not self.training.active:
            self._start(start, event)

    def _start(self, start: Start, event: TrainRequested) -> None:
        self.training.start(self.builder.network, start.trained)
        if event.portion:
            self.training.session.run_one(event.portion)
        self.action_mode("train")
        self.poll()

    def _refuse(self) -> None:
        report = self.builder.report
        reason = report.issues[0].message if report.issues else "It has no layers."
        self.notify(f"This network cannot be trained. {reason}", severity="error", markup=False)
        self.action_mode("build")
        self.call_later(self._on_build, BuildScreen.show_trouble)

    @work
    async def _ask_about(self, refusal: Refusal) -> None:
        if isinstance(refusal, MismatchError):
            answer = await ask_to_fit(self, self.builder, refusal)
        elif isinstance(refusal, MemoryLimitError):
            answer = await ask_about_memory(self, self.builder, refusal)
        else:
            answer = await ask_about_damaged(self, self.places, refusal)
        if answer and not self.training.active:
            self.training.retry(self.builder.network, ignore_memory=answer == "anyway")
            self.poll()

    @on(ResumeRun)
    def _resume(self, event: ResumeRun) -> None:
        if self._may_begin():
            self.training.resume(event.folder, event.network, event.from_step)
            self._show_begun()

    @on(ReproduceRun)
    def _reproduce(self, event: ReproduceRun) -> None:
        from cnn_tui.tui.dashboard.board import read_board

        if self._may_begin():
            read = partial(read_board, event.folder)
            run_in_thread(self, read, self._overlay, partial(complain, self))
            self.training.reproduce(event.folder, event.network, event.again)
            self._show_begun()

    def _may_begin(self) -> bool:
        if self.training.active:
            self.notify("A run is active here: stop or detach it first.", severity="error")
        return not self.training.active

    def _show_begun(self) -> None:
        """Switch to the run, from the list of runs or from the screen that watched it."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        self.action_mode("train")
        self.poll()

    def _overlay(self, board: Board) -> None:
        self.training.earlier = board
        self.show()

    def action_recipe(self) -> None:
        """Open the form of the recipe."""
        self.action_mode("build")
        self.call_later(self._on_build, partial(BuildScreen.edit_row, key="training"))

    def _on_build(self, act: Callable[[BuildScreen], None]) -> None:
        if isinstance(self.screen, BuildScreen):
            act(self.screen)

    @work
    async def action_preflight(self) -> None:
        """Check whether the network can be trained."""
        if not self.builder.report.valid:
            self._refuse()
            return
        if not await have_data(self, self.builder, self.places):
            return
        network = self.builder.network
        folder = self.places.data_of(network.data)
        dialog = screens.PreflightDialog(network, folder, self.link.fps)
        wanted = await self.push_screen_wait(dialog)
        if wanted == "train":
            self.action_train()
        elif wanted == "recipe":
            self.action_recipe()

    @work
    async def action_baselines(self) -> None:
        """Compare the network with the baselines, on its data or on what is offered instead."""
        wanted = self.places.lacks(self.builder.network.data)
        if wanted != IMAGENET or await have_data(self, self.builder, self.places):
            network = self.builder.network
            await self.push_screen(screens.BaselinesScreen(self.current_mode, network, self.places))

    @work
    async def action_lr_finder(self) -> None:
        """Find a learning rate for the active run, else for the network being built."""
        running = self.training.network
        if running is None and not self.builder.report.valid:
            self._refuse()
            return
        if running is None and not await have_data(self, self.builder, self.places):
            return
        network = running or self.builder.network
        folder = self.places.data_of(network.data)
        dialog = screens.LrFinderDialog(network, folder, self.link.fps, running=bool(running))
        taken = await self.push_screen_wait(dialog)
        if taken is None:
            return
        if taken.target == "recipe":
            self.builder.set_recipe("lr", taken.lr)
            undo = keyed("Press {list.undo} in Build to undo.")
            self.notify(f"Learning rate set to {taken.lr:g}. {undo}")
        elif self.training.active:
            self.training.session.change("lr", taken.lr)
            self.poll()
