"""The Train screen: the run that this app trains, and the keys that control it."""

from __future__ import annotations

import msgspec
from textual import work

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.reproduction import original_of
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.training.control import Portion
from cnn_tui.engine.training.events import Remedy
from cnn_tui.tui.actions import TRAIN, keyed
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.differences import difference_words
from cnn_tui.tui.messages import RunSteered, TrainRequested, WatchRun
from cnn_tui.tui.screens.dialog import Answer, Question
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.run import RunScreen
from cnn_tui.tui.screens.settings import SettingsDialog
from cnn_tui.tui.training import Training
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.words import clean, recipe_words

_KEYS = (
    "{train.start} starts, {train.recipe} changes the recipe, {train.pre-flight} checks whether it "
    "can learn, {train.find-lr} finds a learning rate."
)


class TrainScreen(RunScreen):
    """Controls the run; the app starts it, since other screens start runs as well."""

    MODE = "train"
    SCOPES = (TRAIN,)
    BINDINGS = bindings(TRAIN)

    def __init__(self, training: Training, builder: Builder) -> None:
        super().__init__(training)
        self._training, self._builder = training, builder
        self._compared: tuple[object, str] = (None, "")
        """The networks that were compared last, and how they differ."""

    def idle_words(self) -> str:
        """Return the network that would be trained, and the keys."""
        begun, network = self._training.network, self._builder.network
        if self._training.active:
            network = begun or network
            return f"{clean(network.name)} on {clean(network.data)}: reading the data."
        return (
            f"{clean(network.name)} on {clean(network.data)}: {recipe_words(network.training)}. "
            + keyed(_KEYS)
            + self._untrained_words()
        )

    def _untrained_words(self) -> str:
        """Return what to expect of the first steps, if the network can be trained."""
        report = self._builder.report
        scores = report.layers[-1].output if report.valid and report.layers else None
        if not scores or scores[0] < 2:
            return ""
        loss, formula = self._builder.network.loss.at_equal_scores(scores[0])
        return (
            f" Untrained, its loss is about {loss:.3g} ({formula}), {1 / scores[0]:.1%} are right."
        )

    def heading_for(self, built: Heading) -> Heading:
        """Return network and data of the run also before its first event."""
        begun = self._training.network
        if begun is None or self._training.board.started:
            return super().heading_for(built)
        data = f"{clean(begun.data)} {format_shape(begun.input)}"
        return Heading(clean(begun.name), data, self._training.view.summary)

    def difference(self) -> str:
        """How the network in Build differs from that of the run."""
        run, built = self._training.shown_network, self._builder.network
        if self._training.board.started is None or run is None:
            return ""
        if (run, built) != self._compared[0]:
            self._compared = ((run, built), difference_words(run, built))
        return self._compared[1]

    def action_take_over(self) -> None:
        """Let Build have the network and the recipe of the run."""
        run = self._training.shown_network
        if run is not None and self.difference():
            name = self._builder.network.name
            self._builder.rewrite(msgspec.structs.replace(run, name=name))
            self.notify(
                keyed(
                    "Build has the network and the recipe of this run; {list.undo} there undoes it."
                )
            )

    def action_pause(self) -> None:
        if self._training.active:
            self._training.session.toggle_pause()
            self.post_message(RunSteered())

    def action_step(self, portion: Portion) -> None:
        """Train one batch or epoch and pause, starting a run if there is none."""
        if self._training.active:
            self._training.session.run_one(portion)
            self.post_message(RunSteered())
        else:
            self.post_message(TrainRequested(portion))

    @work
    async def action_settings(self) -> None:
        """Change learning rate, L2, dropout or batch size from the next batch on."""
        settings = self._training.board.settings
        if self._training.active and settings:
            for change in await self.app.push_screen_wait(SettingsDialog(settings)):
                self._training.session.change(change.name, change.value)

    @work
    async def action_remedy(self) -> None:
        """Apply the remedy of the newest verdict, at once or in a new run."""
        alert = self._training.board.remedied
        if alert is None or alert.remedy is None:
            return
        if self._training.active and not alert.remedy.restart:
            self._training.session.steer(alert.remedy)
        elif not await self._restart(alert.remedy):
            return
        self._training.dismiss(alert)
        self.post_message(RunSteered())

    async def _restart(self, remedy: Remedy) -> bool:
        # This imports NumPy, which the first screen does not wait for.
        from cnn_tui.engine.training.remedies import apply

        about = f"{remedy.description} This run is stopped."
        question = Question("Apply the remedy?", [Answer("y", "apply it")], about)
        if self._training.active and await self.app.push_screen_wait(question) != "y":
            return False
        await self._training.stop()
        self.post_message(RunSteered())
        self._builder.rewrite(apply(self._training.shown_network or self._builder.network, remedy))
        self._training.start(self._builder.network)
        return True

    @work
    async def action_stop(self) -> None:
        """Stop the run, after asking whether to save a checkpoint."""
        answers = [
            Answer("y", "stop with a checkpoint"),
            Answer("d", "stop, discarding steps since the last checkpoint"),
        ]
        answer = ""
        if self._training.active:
            answer = await self.app.push_screen_wait(Question("Stop this run?", answers))
        if answer:
            self._training.session.stop(keep=answer == "y")
            self.post_message(RunSteered())

    @work
    async def action_detach(self) -> None:
        """Continue the run in another process, from a checkpoint, and watch it."""
        kept = self._training.board.kept
        if kept is None:
            self.notify("This run is not kept in a folder, so it cannot continue without the app.")
            return
        try:
            handed_on = await self._training.hand_on()
        except CnnTuiError as error:
            complain(self.app, error)
            return
        self.post_message(RunSteered())
        if handed_on:
            self.post_message(WatchRun(handed_on))

    def action_compare(self) -> None:
        """Compare the run with the one that it reproduces."""
        from cnn_tui.tui.screens.compare import CompareScreen

        kept = self._training.board.kept
        original = original_of(kept) if kept else None
        if original is None or kept is None:
            self.notify("The run that this one reproduces no longer exists.")
        else:
            self.app.clear_notifications()
            self.app.push_screen(CompareScreen([original, kept]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        training = self._training
        match action:
            case "pause" | "stop" | "settings" | "detach":
                return training.steerable
            case "step":
                return training.steerable or not training.active
            case "compare":
                return training.board.started is not None and bool(training.board.started.again_of)
            case "take_over":
                return bool(self.difference())
            case "remedy":
                return training.board.remedied is not None
        return super().check_action(action, parameters)
