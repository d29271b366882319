"""Commands that begin a run: with fresh weights or trained ones, if there is memory for it."""

from __future__ import annotations

from functools import partial

from textual import work

from cnn_tui.engine.data.missing import missing
from cnn_tui.engine.data.sources import SOURCES
from cnn_tui.engine.errors import MemoryLimitError
from cnn_tui.engine.training.control import Portion
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui import screens
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.commands.weights import WeightCommands
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.session import Runner, train
from cnn_tui.tui.words import clean


class BeginCommands(WeightCommands, inherit_bindings=False):
    """Adds what begins a run."""

    _began_with: Trained | None = None

    def action_train(self) -> None:
        """Start a run, if the network can be trained and no run is under way."""
        if self.session.active or self._start():
            self.action_mode("train")
            self.look()

    def action_step(self, portion: Portion) -> None:
        """Train one batch or epoch and pause, beginning a run if there is none."""
        if self.session.active or self._start(portion):
            self.session.run_one(portion)
            self.look()

    def _start(self, portion: Portion | None = None) -> bool:
        """Begin a run; False if it cannot be, or a question has to be answered first."""
        if not self._may_train():
            return False
        if self.builder.carries:
            self._ask_for_weights(portion)
            return False
        self._begin()
        return True

    def _may_train(self) -> bool:
        """Whether there is a network and its data; what is missing is said, or offered."""
        if not self.builder.report.valid:
            self._refuse()
            return False
        wanted = missing(self.builder.network.data, self.data_dir)
        if wanted:
            self._offer(wanted)
        return not wanted

    @work
    async def _offer(self, wanted: str) -> None:
        """Offer the download of data that are not here; the network is then ready to be trained."""
        size = SOURCES[wanted].size / 1e6
        question = screens.Question(
            f"The dataset {wanted} is not here yet: {size:,.0f} MB to download.",
            [screens.Answer("f", "fetch it now; x breaks it off, what has come is kept")],
        )
        if await self.push_screen_wait(question) == "f":
            self.push_screen(screens.DataScreen(self.current_mode, wanted, fetch=True))

    @work
    async def _ask_for_weights(self, portion: Portion | None) -> None:
        """A network that came with weights may go on from them."""
        trained = self.builder.weights
        if trained is None:
            return
        answers = [
            screens.Answer("w", "train on from these weights"),
            screens.Answer("f", "draw fresh ones"),
        ]
        question = f"This network has the weights of {clean(trained.words)}."
        answer = await self.push_screen_wait(screens.Question(question, answers))
        if answer and not self.session.active:
            self._begin(trained if answer == "w" else None)
            if portion:
                self.session.run_one(portion)
            self.action_mode("train")
            self.look()

    def _begin(self, trained: Trained | None = None, *, anyway: bool = False) -> None:
        network = self.builder.network
        if self.board.train_loss.points():
            self._earlier = self.board
        self.board, self._taken_up = Board(settings=Settings.of(network.training)), None
        self.trained_network, self._began_with = network, trained
        self.session.start(network, self._runner(trained, anyway))

    def _runner(self, trained: Trained | None, anyway: bool) -> Runner | None:
        """What trains; None for the usual."""
        if trained is None and not anyway:
            return None
        start = partial(trained.weights, self.builder.network) if trained else None
        return partial(
            train, data_dir=self.data_dir, runs_dir=self.runs_dir, start=start, anyway=anyway
        )

    def _refuse(self) -> None:
        report = self.builder.report
        reason = report.issues[0].message if report.issues else "It has no layers."
        self.notify(f"This network cannot be trained. {reason}", severity="error", markup=False)
        self.action_mode("build")
        self.call_later(self._show_trouble)

    def _show_trouble(self) -> None:
        if isinstance(self.screen, BuildScreen):
            self.screen.show_trouble()

    def look(self) -> None:
        """Fold the news in; where a run was refused for want of memory, offer ways out."""
        super().look()
        refusal = self.session.take_refusal()
        if refusal:
            self._ask_about_memory(refusal)

    @work
    async def _ask_about_memory(self, refusal: MemoryLimitError) -> None:
        """The last word is the person's: what is free may change, or be told wrongly."""
        batch = refusal.batch
        answers = [screens.Answer("b", f"train in batches of {batch}")] if batch else []
        answers.append(screens.Answer("y", "try it all the same"))
        answer = await self.push_screen_wait(screens.Question(clean(str(refusal)), answers))
        if not answer or self.session.active:
            return
        if answer == "b":
            self.builder.set_batch_size(batch)
        self._begin(self._began_with, anyway=answer == "y")
        self.look()
