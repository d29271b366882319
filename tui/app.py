"""The app: six modes over one network being built and one run being trained."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TypeVar

from textual import events, on, work

from cnn_tui.engine.data.sources import FOLDER
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.names import DEMO_RUN
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui import screens
from cnn_tui.tui.actions import APP, keyed, scopes_of
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.config import keep
from cnn_tui.tui.learning_app import Learning, LearningApp
from cnn_tui.tui.messages import (
    DataWanted,
    EditRun,
    InspectRun,
    PlayDemo,
    PresetWanted,
    RunSteered,
    WatchRun,
    WatchSweep,
)
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.files import Leaving, complain, may_quit, may_replace
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.threads import in_thread, run_in_thread
from cnn_tui.tui.training import Training
from cnn_tui.tui.widgets.bars import Header, Heading
from cnn_tui.tui.words import clean

AnyModeScreen = TypeVar("AnyModeScreen", bound=ModeScreen)


class CnnTuiApp(LearningApp, inherit_bindings=False):
    """Switches between the modes and handles the messages of the screens."""

    TITLE = "cnn-tui"
    DEFAULT_MODE = "build"
    CSS_PATH = ["screens/mode.tcss", "screens/build.tcss"]
    BINDINGS = bindings(APP)
    ENABLE_COMMAND_PALETTE = False
    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(
        self,
        builder: Builder,
        training: Training,
        link: Link | None = None,
        watched: WatchRun | WatchSweep | PlayDemo | None = None,
        learning: Learning | None = None,
    ) -> None:
        """``watched`` is the run, sweep or demo, ``learning`` the lesson to show first."""
        super().__init__(builder, training, link or Link())
        self.watched, self.learning = watched, learning
        self.add_mode("train", lambda: screens.TrainScreen(self.training, self.builder))
        self.add_mode("runs", lambda: screens.RunsScreen(self.places.runs))
        self.add_mode("inspect", lambda: screens.InspectScreen(self.training))
        self.add_mode("sweeps", lambda: screens.SweepsScreen(self.places))
        self.add_mode("learn", lambda: screens.LearnScreen(self.study))

    def get_default_screen(self) -> BuildScreen:
        return BuildScreen(self.builder, self.places.data)

    def on_mount(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.builder.subscribe(self.show)
        self.show_heading()
        if self.watched:
            self.call_later(self.post_message, self.watched)
        elif self.learning:
            self.call_later(self.learn, self.learning)
        self.set_interval(1 / self.link.fps, self.poll)
        self.begin_capture_print(self)

    def on_print(self, event: events.Print) -> None:
        """Log what any code prints: written to the terminal, it would break the screen."""
        self.training.board.log_print(event.text)

    @on(RunSteered)
    def poll(self) -> None:
        """Show what the run has reported since the last poll."""
        news = self.training.poll()
        self.builder.latest = news.trained or self.builder.latest
        for verdict in news.verdicts:
            self.notify(f"{verdict} Press C to compare them.", markup=False, timeout=20)
        if news.refusal:
            self._ask_about(news.refusal)
        if news.changed and self.current_mode == "train":
            self.show()
        elif news.changed:
            self.show_heading()
        self.say_if_solved()

    def show(self) -> None:
        """Draw what is visible from the model: the screen of the mode, also below a dialog."""
        for screen in self.screen_stack:
            if isinstance(screen, ModeScreen) and screen.is_mounted:
                screen.present()
        self.show_heading()

    def show_heading(self) -> None:
        """Refresh header and key bar."""
        if self.screen_stack and isinstance(self.screen_stack[0], ModeScreen):
            document = self.builder.document
            network = document.network
            name = clean(network.name) + ("*" if document.dirty else "")
            data = f"{clean(network.data)} {format_shape(network.input)}"
            run = self.training.shown_network
            state = self.training.view.summary if run else ""
            if state and run and run.name != network.name:
                state = f"{clean(run.name)} {state}"  # of another network than the one beside it
            built = Heading(name, data, state)
            self.screen_stack[0].heading = self.screen_stack[0].heading_for(built)
            self.screen.refresh_bindings()

    def action_mode(self, mode: str) -> None:
        if isinstance(self.screen, ModeScreen):
            if mode == self.current_mode and len(self.screen_stack) > 1:
                self.screen.action_back()
            else:
                self.screen.leave()
        self.switch_mode(mode)
        self.show_heading()

    async def _mode(self, mode: str, kind: type[AnyModeScreen]) -> AnyModeScreen:
        """Switch to a mode; returns its first screen."""
        await self.switch_mode(mode)
        self.show_heading()
        first = self.screen_stack[0]
        assert isinstance(first, kind)
        return first

    @on(Header.ModeRequested)
    def _tab_clicked(self, event: Header.ModeRequested) -> None:
        self.action_mode(event.mode)

    @on(EditRun)
    @work
    async def _edit(self, event: EditRun) -> None:
        try:
            network = event.folder.network()
            recorded = event.folder.info().data_dir
        except CnnTuiError as error:
            complain(self, error)
            return
        if await may_replace(self, self.builder):
            self.builder.open(network, None, Trained(event.folder, network))
            self.places.learn(network.data, recorded)
            self.action_mode("build")
            self.notify(
                f"The network of {event.folder.name}, with its weights: "
                + keyed(
                    "{list.transform} carries them over, {build.train} trains on from them, "
                    "{list.keep} keeps them as a run."
                ),
                markup=False,
            )

    @on(WatchRun)
    async def _watch(self, event: WatchRun) -> None:
        from cnn_tui.engine.runs.folder import RunFolder

        if isinstance(event.source, RunFolder):
            self.places.watched = event.source
        (await self._mode("runs", screens.RunsScreen)).open_run(event.source)

    @on(PlayDemo)
    @work
    async def _play(self, event: PlayDemo) -> None:
        # Imported late: the first paint does not wait for what plays a demo.
        from cnn_tui.engine.runs.playback import read_playback
        from cnn_tui.tui.history.playing import Player

        try:
            playback = await in_thread(self, partial(read_playback, event.path))
        except CnnTuiError as error:
            complain(self, error)
            return
        await self._mode("runs", screens.RunsScreen)
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.places.watched = playback.folder or self.places.watched
        self.push_screen(screens.DemoScreen(Player(playback, event.speed, loop=event.loop)))
        if not playback.whole:
            self.notify(
                f"The recording {playback.name} is cut off; it is played as far as it goes.",
                severity="warning",
            )

    def action_demo(self) -> None:
        """Play the run of the package."""
        self.post_message(PlayDemo(DEMO_RUN))

    @on(WatchSweep)
    async def _watch_sweep(self, event: WatchSweep) -> None:
        sweeps = await self._mode("sweeps", screens.SweepsScreen)
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        sweeps.open_sweep(event.folder)

    @on(PresetWanted)
    @work
    async def _open_preset(self, event: PresetWanted) -> None:
        if await may_replace(self, self.builder):
            self.builder.open(load_preset(event.name), None)
            self.action_mode("build")

    @on(DataWanted)
    def _use_data(self, event: DataWanted) -> None:
        self.builder.use_data(event.name)
        shape = format_shape(self.builder.network.input)
        taken = f"The network takes {event.name} now, {shape}."
        if event.name == FOLDER:
            taken = (
                f"The network takes your data now. Pictures are scaled to its input, {shape}: the "
                "first row of Build changes that."
            )
        fits = "" if self.builder.report.valid else " Build shows what does not fit it yet."
        self.notify(f"{taken}{fits} {keyed('Press {list.undo} in Build to undo.')}")

    @on(InspectRun)
    async def _inspect(self, event: InspectRun) -> None:
        if len(self.screen_stack) > 1 and self.current_mode != "sweeps":
            self.pop_screen()
        (await self._mode("inspect", screens.InspectScreen)).open(event.folder)

    def action_help(self) -> None:
        own = [scope for scope in scopes_of(self.screen) if scope != APP]
        self.push_screen(screens.HelpScreen(*own, about=getattr(self.screen, "about", "")))

    def action_datasets(self) -> None:
        """Show the datasets, the network's own first."""
        network = self.builder.network
        screen = screens.DataScreen(
            self.current_mode, self.places, network.data, recipe=network.training
        )
        self.push_screen(screen)

    def action_show(self, name: str) -> None:
        """Open a screen about the network being built, by the name of its class."""
        screen = getattr(screens, name)
        self.push_screen(screen(self.current_mode, self.builder.network, self.places))

    def action_command_palette(self) -> None:
        """Pick a command by its name, then run it."""
        palette = screens.CommandPalette(scopes_of(self.screen))
        self.push_screen(palette, self._run_named)

    def _run_named(self, action: str | None) -> None:
        if action:
            self.call_later(self.run_action, action)

    def action_themes(self) -> None:
        """Choose a theme, seen while it is highlighted and kept in the user's file."""
        picker = screens.ThemePicker(self.put_on, self.theme_name)
        self.push_screen(picker, self._keep_theme)

    def _keep_theme(self, name: str | None) -> None:
        if name:
            run_in_thread(
                self, partial(keep, "theme", name), lambda _: None, partial(complain, self)
            )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "train":
                return not (self.training.active and self.current_mode == "train")
            case "datasets" | "show" | "preflight" | "lr_finder":
                return len(self.screen_stack) == 1
            case "mode":
                return parameters != (self.current_mode,) or len(self.screen_stack) > 1
        return True

    @work
    async def action_leave(self) -> None:
        """Quit, after asking if a run or an edit would be lost."""
        if self.desk and not await self.may_leave_lesson():
            return
        handed_on = self.training.handed_on
        leaving = Leaving(
            running=self.training.active,
            kept=self.training.board.kept is not None,
            detached=handed_on.name if handed_on else "",
        )
        answer = await may_quit(self, self.builder, leaving)
        if answer == "d" and not await self._train_on():
            return
        if answer:
            self.leave(0)

    async def _train_on(self) -> bool:
        """Let the run train on in another process; returns False after saying why it cannot."""
        try:
            handed_on = await self.training.hand_on()
        except CnnTuiError as error:
            complain(self, error)
            return False
        if handed_on is None:
            self.notify("The run has just ended: there is nothing to train on.")
        return handed_on is not None

    def leave(self, code: int) -> None:
        """Stop the run and close the screen; safe in a signal handler."""
        self.training.session.stop()
        if self._loop is None:
            raise SystemExit(code)
        self._loop.call_soon_threadsafe(partial(self.exit, return_code=code))
