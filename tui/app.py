"""The app: owns the network being built and the run being trained, and leads between them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec
from textual import events, on, work
from textual.app import App
from textual.filter import LineFilter

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.places import runs_home
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Portion
from cnn_tui.engine.training.events import Remedy
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui.actions import APP, bindings
from cnn_tui.tui.board import Board
from cnn_tui.tui.builder import Builder
from cnn_tui.tui.cli.output import print_note
from cnn_tui.tui.document import Document
from cnn_tui.tui.driver import ThriftyDriver
from cnn_tui.tui.filters import filters_for
from cnn_tui.tui.going_on import resume_apart, resume_here, see_begun
from cnn_tui.tui.hangup import Heir, OnHangup
from cnn_tui.tui.link import Link
from cnn_tui.tui.outline import recipe_words
from cnn_tui.tui.palette_commands import CommandTable
from cnn_tui.tui.run_view import RunView, view_of
from cnn_tui.tui.screens.baselines import BaselinesScreen
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.datasets import DataScreen
from cnn_tui.tui.screens.dialog import Answer, Question
from cnn_tui.tui.screens.files import ask_for_network, ask_where_to_save, complain, save
from cnn_tui.tui.screens.help import HelpScreen
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.screens.runs import RunsScreen
from cnn_tui.tui.screens.settings import SettingsDialog
from cnn_tui.tui.screens.train import TrainScreen
from cnn_tui.tui.session import Session, train
from cnn_tui.tui.shutdown import DEADLINE, leaving_on_signals
from cnn_tui.tui.theme import DARK
from cnn_tui.tui.usage import Usage
from cnn_tui.tui.widgets.header import Header, Heading
from cnn_tui.tui.words import clean, times


class CnnTuiApp(App[None], inherit_bindings=False):
    """Modes over one document, one session and one folder of runs."""

    TITLE = "cnn-tui"
    CSS_PATH = [
        "widgets/lines.tcss",
        "widgets/layer_form.tcss",
        "screens/mode.tcss",
        "screens/build.tcss",
        "screens/train.tcss",
        "screens/runs.tcss",
        "screens/dialog.tcss",
    ]
    BINDINGS = bindings(APP)
    COMMANDS = App.COMMANDS | {CommandTable}

    def __init__(
        self, network: Network, source: Path | None, session: Session, link: Link | None = None
    ) -> None:
        super().__init__(driver_class=ThriftyDriver)
        self.link = link or Link()
        self._line_filters = filters_for(self.link)
        self.animation_level = "none"
        self.session = session
        self.builder = Builder(Document(network, source))
        self.board = Board()
        self._earlier: Board | None = None
        self._usage = Usage()
        self._used = ""
        self._run = RunView()
        self.runs_dir = runs_home()
        self.data_dir: Path | None = None
        self.watched: RunFolder | None = None
        """The run to begin with."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def on_mount(self) -> None:
        """Show the builder, and look for news of the run from time to time."""
        self._loop = asyncio.get_running_loop()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.add_mode("build", lambda: BuildScreen(self.builder))
        self.add_mode("train", lambda: TrainScreen(self.board, self._run))
        self.add_mode("runs", lambda: RunsScreen(self.runs_dir))
        self.switch_mode("build")
        if self.watched:
            self.call_later(self.watch_run, self.watched)
        self.set_interval(1 / self.link.fps, self.look)
        self.begin_capture_print(self)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What lines pass before they are sent."""
        return (*super().get_line_filters(), *self._line_filters)

    def on_print(self, event: events.Print) -> None:
        """Put what any code prints into the log, as on the screen it would break the picture."""
        self.board.take_print(event.text)

    def look(self) -> None:
        """Fold the news into the board and show them, if there are any."""
        news = self.take_news()
        if news:
            self._used = self._usage.words()
        run = view_of(
            self.board,
            active=self.session.active,
            pausing=self.session.paused,
            stopping=self.session.stopping,
            usage=self._used,
        )
        if news or run != self._run:
            self._run = run
            self._present()

    def take_news(self) -> bool:
        """Fold what the run has told since the last time into the board."""
        events = self.session.drain()
        for event in events:
            self.board.fold(event)
        return bool(events)

    @on(BuildScreen.Changed)
    def _present(self) -> None:
        if not self.screen_stack:
            return
        screen = self.screen_stack[0]
        if isinstance(screen, ModeScreen):
            screen.heading = self._heading()
        if isinstance(screen, TrainScreen):
            screen.present(self.board, self._run, self._idle_words(), self._earlier)
        self.screen.refresh_bindings()

    def _heading(self) -> Heading:
        document = self.builder.document
        network = document.network
        name = clean(network.name) + ("*" if document.dirty else "")
        data = f"{clean(network.data)} {times(network.input)}"
        return Heading(name, data, self._run.summary)

    def _idle_words(self) -> str:
        network = self.builder.network
        return (
            f"{clean(network.name)} on {clean(network.data)}: {recipe_words(network.training)}. "
            "F5 starts, t changes the recipe."
        )

    @on(Header.ModeRequested)
    def _tab_clicked(self, event: Header.ModeRequested) -> None:
        self.action_mode(event.mode)

    def action_mode(self, mode: str) -> None:
        """Go to a mode."""
        self.switch_mode(mode)
        self.call_later(self._present)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(*getattr(self.screen, "SCOPES", ())))

    def action_datasets(self) -> None:
        """Show the datasets."""
        self.push_screen(DataScreen(self.current_mode))

    def action_baselines(self) -> None:
        """Show the ladder of baselines on the network's data."""
        network = self.builder.network
        self.push_screen(BaselinesScreen(self.current_mode, network, self.runs_dir, self.data_dir))

    def action_recipe(self) -> None:
        """Go to the form of the recipe."""
        self.action_mode("build")
        self.call_later(self._edit_row, "training")

    def _edit_row(self, key: str) -> None:
        if isinstance(self.screen, BuildScreen):
            self.screen.edit_row(key)

    def action_train(self) -> None:
        """Start a run, if the network can be trained and no run is under way."""
        if not self.session.active:
            if not self.builder.report.valid:
                self._refuse()
                return
            self._begin()
        self.action_mode("train")
        self.look()

    def _begin(self) -> None:
        network = self.builder.network
        if self.board.train_loss.points():
            self._earlier = self.board
        self.board = Board(settings=Settings.of(network.training))
        self.session.start(network)

    def action_step(self, portion: Portion) -> None:
        """Train one batch or epoch and pause, beginning a run if there is none."""
        if not self.session.active:
            if not self.builder.report.valid:
                self._refuse()
                return
            self._begin()
        self.session.run_one(portion)
        self.look()

    @work
    async def action_settings(self) -> None:
        """Change learning rate, L2, dropout or batch size from the next batch on."""
        if self.session.active and self.board.settings:
            dialog = SettingsDialog(self.board.settings)
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

        question = Question(f"{remedy.description} This run ends.", [Answer("y", "do it")])
        if self.session.active and await self.push_screen_wait(question) != "y":
            return False
        self.session.stop()
        while self.session.active:
            await asyncio.sleep(0.02)
        self.take_news()
        self.builder.rewrite(apply(self.builder.network, remedy))
        self.action_train()
        return True

    async def watch_run(self, folder: RunFolder) -> None:
        """Show a run, live if somebody trains it."""
        await self.switch_mode("runs")
        if isinstance(self.screen_stack[0], RunsScreen):
            self.screen_stack[0].open_run(folder)

    def resume(self, folder: RunFolder) -> bool:
        """Train a run on, here; whether it was begun."""
        if self.session.active:
            self.notify("A run is under way here: end or detach it first.", severity="error")
            return False
        try:
            network = folder.network()
        except CnnTuiError as error:
            complain(self, error)
            return False
        self.board = Board(settings=Settings.of(network.training))
        self.session.start(network, partial(resume_here, folder=folder))
        self.action_mode("train")
        self.look()
        return True

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
        await self.watch_run(kept)

    def stopped_run(self) -> RunFolder | None:
        """The folder of a run that was stopped and is not being written any more."""
        if self.session.active:
            return None
        self.take_news()
        return self.board.kept if self.board.stopped else None

    def _refuse(self) -> None:
        report = self.builder.report
        reason = report.issues[0].message if report.issues else "It has no layers."
        self.notify(f"This network cannot be trained. {reason}", severity="error", markup=False)
        self.action_mode("build")
        self.call_later(self._show_trouble)

    def _show_trouble(self) -> None:
        if isinstance(self.screen, BuildScreen):
            self.screen.show_trouble()

    def action_pause(self) -> None:
        """Pause the run or let it go on."""
        if self.session.active:
            self.session.toggle_pause()
            self.look()

    @work
    async def action_stop(self) -> None:
        """End the run, after asking whether its state is to be kept."""
        answers = [Answer("y", "end it, keeping its state"), Answer("d", "end it as last kept")]
        answer = ""
        if self.session.active:
            answer = await self.push_screen_wait(Question("End this run?", answers))
        if answer:
            self.session.stop(keep=answer == "y")
            self.look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what the state of the run allows."""
        training = isinstance(self.screen, TrainScreen)
        if action in ("pause", "stop", "settings"):
            return self.session.active and not self.session.stopping
        if action == "step":
            return not self.session.stopping or not self.session.active
        if action == "remedy":
            return self.board.remedied is not None
        if action == "train" and training:
            return not self.session.active
        if action == "detach":
            return self.session.active and not self.session.stopping
        if action in ("datasets", "baselines"):
            return len(self.screen_stack) == 1
        if action == "mode":
            return parameters != (self.current_mode,)
        return True

    @work
    async def action_new_network(self) -> None:
        """Begin with nothing but the input of the present network."""
        if await self._may_replace():
            now = self.builder.network
            self._replace(Network(input=now.input, data=now.data), None)

    @work
    async def action_open_network(self) -> None:
        """Go on with a preset or a file."""
        if await self._may_replace():
            opened = await ask_for_network(self)
            if opened:
                self._replace(*opened)

    @work
    async def action_save_network(self) -> None:
        """Write the network to a file."""
        await self._save()

    async def _save(self) -> bool:
        document = self.builder.document
        path = await ask_where_to_save(self, document.network, document.source)
        if path is None:
            return False
        if document.source is None and document.network.name == "untitled":
            named = msgspec.structs.replace(document.network, name=path.stem)
            document.edit(named, "input")
        if not save(self, document.network, path):
            return False
        document.mark_saved(path)
        self._present()
        return True

    async def _may_replace(self) -> bool:
        if not self.builder.document.dirty:
            return True
        answers = [Answer("y", "go on without saving (undo brings it back)"), Answer("s", "save")]
        answer = await self.push_screen_wait(Question("There are unsaved changes.", answers))
        return answer == "y" or (answer == "s" and await self._save())

    def _replace(self, network: Network, source: Path | None) -> None:
        self.builder.open(network, source)
        if isinstance(self.screen, BuildScreen):
            self.screen.present()

    @work
    async def action_leave(self) -> None:
        """Leave, after asking if a run or an edit would be lost."""
        reasons = []
        answers = [Answer("y", "leave")]
        if self.session.active:
            reasons.append("A run is under way and would be ended.")
        if self.builder.document.dirty:
            reasons.append("There are unsaved changes.")
            answers.append(Answer("s", "save, then leave"))
        answer = "y"
        if reasons:
            answer = await self.push_screen_wait(Question("\n".join(reasons), answers))
        if answer == "y" or (answer == "s" and await self._save()):
            self.leave(0)

    def leave(self, code: int) -> None:
        """Stop the run and close the screen; safe in a signal handler."""
        self.session.stop()
        if self._loop is None:
            raise SystemExit(code)
        self._loop.call_soon_threadsafe(partial(self.exit, return_code=code))


def run_app(
    network: Network | None,
    source: Path | None,
    data_dir: Path | None = None,
    link: Link | None = None,
    watched: RunFolder | None = None,
    on_hangup: OnHangup = "stop",
) -> int:
    """Open the app and stay until the person leaves; returns the exit code.

    Args:
        network: What to build on; None begins with an empty network.
        source: The file that it was read from; None for a preset.
        data_dir: Where data sets that are not built in are read from.
        link: How to draw; None for a terminal that can do everything.
        watched: The run to begin with; the others are those of its folder.
        on_hangup: What becomes of a run when the terminal goes away.
    """
    # A training thread holds the GIL for 5 ms at a time otherwise, ten times per keystroke.
    sys.setswitchinterval(0.0005)
    runs_dir = watched.path.parent if watched else runs_home()
    session = Session(partial(train, data_dir=data_dir, runs_dir=runs_dir))
    app = CnnTuiApp(network or Network(), source, session, link)
    app.runs_dir, app.data_dir, app.watched = runs_dir, data_dir, watched
    heir = Heir(on_hangup, app.stopped_run)
    with leaving_on_signals(app.leave, heir.take_over):
        app.run(mouse=app.link.mouse)
        session.stop()
        session.join(DEADLINE)
        heir.take_over(app.return_code or 0)
    app.take_news()
    # The terminal may be gone, and then there is nobody to tell.
    with suppress(OSError):
        if app.board.resume_words:
            print_note(app.board.resume_words)
    return app.return_code or 0
