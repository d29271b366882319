"""The app: owns the network being built and the run being trained, and leads between them."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import App

from cnn_tui.engine.data.missing import missing
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.places import runs_home
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui import screens
from cnn_tui.tui.actions import APP, bindings
from cnn_tui.tui.cli.output import print_note
from cnn_tui.tui.commands.trials import TrialCommands
from cnn_tui.tui.history.hangup import Heir, OnHangup
from cnn_tui.tui.palette_commands import CommandTable
from cnn_tui.tui.session import Session, train
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.terminal.shutdown import DEADLINE, leaving_on_signals
from cnn_tui.tui.theme import DARK_16
from cnn_tui.tui.widgets.header import Header


class CnnTuiApp(TrialCommands, inherit_bindings=False):
    """Modes over one document, one session and one folder of runs."""

    TITLE = "cnn-tui"
    CSS_PATH = [
        "widgets/lines.tcss",
        "widgets/layer_form.tcss",
        "screens/mode.tcss",
        "screens/build.tcss",
    ]
    BINDINGS = bindings(APP)
    COMMANDS = App.COMMANDS | {CommandTable}
    _loop: asyncio.AbstractEventLoop | None = None

    def on_load(self) -> None:
        """Let the first paint be the first thing that is waited for, also by keys typed ahead."""
        self.call_later(self._first_paint)

    async def _first_paint(self) -> None:
        # Before that no list has the focus, and a key for it would be lost.
        await self.screen.wait_for_refresh()
        self.warm_up.start()

    def on_mount(self) -> None:
        """Look for news of the run from time to time."""
        self._loop = asyncio.get_running_loop()
        # Only now: Textual parses all styles again for the first screen of a mode that it knows.
        self.add_mode(self.DEFAULT_MODE, self.get_default_screen)
        if self.watched:
            self.call_later(self.watch_run, self.watched)
        self.set_interval(1 / self.link.fps, self.look)
        self.begin_capture_print(self)

    def on_unmount(self) -> None:
        """Leave nothing behind that is still being loaded."""
        self.warm_up.end()

    @on(Header.ModeRequested)
    def _tab_clicked(self, event: Header.ModeRequested) -> None:
        self.action_mode(event.mode)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(screens.HelpScreen(*getattr(self.screen, "SCOPES", ())))

    def action_datasets(self) -> None:
        """Show the datasets, first that of the network."""
        name = missing(self.builder.network.data) or self.builder.network.data
        self.push_screen(screens.DataScreen(self.current_mode, name))

    def action_baselines(self) -> None:
        """Show the ladder of baselines on the network's data."""
        network = self.builder.network
        self.push_screen(
            screens.BaselinesScreen(self.current_mode, network, self.runs_dir, self.data_dir)
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what the state of the run allows."""
        if action in ("pause", "stop", "settings"):
            return self.session.active and not self.session.stopping
        if action == "step":
            return not self.session.stopping or not self.session.active
        if action == "compare":
            return self.board.started is not None and bool(self.board.started.again_of)
        if action == "remedy":
            return self.board.remedied is not None
        if action == "train" and self.session.active:
            return not isinstance(self.screen, screens.TrainScreen)
        if action == "detach":
            return self.session.active and not self.session.stopping
        if action in ("datasets", "baselines", "preflight", "lr_finder"):
            return len(self.screen_stack) == 1
        if action == "mode":
            return parameters != (self.current_mode,)
        return True

    @work
    async def action_leave(self) -> None:
        """Leave, after asking if a run or an edit would be lost."""
        reasons = []
        answers = [screens.Answer("y", "leave")]
        if self.session.active:
            reasons.append("A run is under way and would be ended.")
        if self.builder.document.dirty:
            reasons.append("There are unsaved changes.")
            answers.append(screens.Answer("s", "save, then leave"))
        answer = "y"
        if reasons:
            answer = await self.push_screen_wait(screens.Question("\n".join(reasons), answers))
        if answer == "y" or (answer == "s" and await self.save()):
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
    # Up to the first paint nothing is garbage; the warm-up turns the search on again.
    gc.disable()
    runs_dir = watched.path.parent if watched else runs_home()
    session = Session(partial(train, data_dir=data_dir, runs_dir=runs_dir))
    app = CnnTuiApp(network or Network(), source, session, link)
    if app.console.color_system == "standard":
        app.wear(DARK_16)
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
