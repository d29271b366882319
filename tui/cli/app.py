"""The process of the app, from start to exit code, whatever ends it."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.tui import settings
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.cli.output import print_note
from cnn_tui.tui.history.hangup import DetachOnHangup, OnHangup
from cnn_tui.tui.learning_app import Learning
from cnn_tui.tui.messages import PlayDemo, WatchRun, WatchSweep
from cnn_tui.tui.session import Emit, Session, train
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.terminal.shutdown import DEADLINE, leaving_on_signals
from cnn_tui.tui.terminal.streams import finish
from cnn_tui.tui.theme import DARK
from cnn_tui.tui.training import Places, Training


def run_app(
    network: Network | None,
    source: Path | None,
    data_dir: Path | None = None,
    link: Link | None = None,
    watched: WatchRun | WatchSweep | PlayDemo | None = None,
    on_hangup: OnHangup = "stop",
    learning: Learning | None = None,
) -> int:
    """Run the app until the person quits; returns the exit code.

    Args:
        network: The network to edit; None for an empty one.
        source: The file that it was read from; None for a preset.
        data_dir: The folder of datasets that are not built in.
        link: How to draw; None for a fully capable terminal.
        watched: The run, sweep, log or demo to show first; of a run or sweep the others are those
            of its folder.
        on_hangup: Whether the run stops or continues when the terminal is closed.
        learning: The lesson, or the list of lessons, to show first.

    Raises:
        RunError: The end of the last run could not be written.
        Exception: Whatever ended the app by mistake, once terminal and run are in order.
    """
    # By default a training thread holds the GIL for 5 ms at a time, ten times per keystroke.
    sys.setswitchinterval(0.0005)
    # Nothing is garbage before the first paint; the warm-up enables collection again.
    gc.disable()
    training = _training(Places(learning.runs_dir if learning else _runs_of(watched), data_dir))
    session = training.session
    builder = Builder(Document(network or Network(), source))
    app = CnnTuiApp(builder, training, link, watched, learning)
    _apply_settings(app)
    heir = DetachOnHangup(on_hangup, training.stopped_run)
    with leaving_on_signals(app.leave, heir.detach) as watchdog:
        app.run(mouse=app.link.mouse)
        watchdog.spare_terminal()
        session.stop()
        session.join(DEADLINE)
        heir.detach(app.return_code or 0)
        training.poll()
        unkept = "" if training.board.handed_on else session.unkept
        if training.board.resume_words and not unkept:
            print_note(training.board.resume_words)
        finish()
    if unkept:
        raise RunError(unkept)
    if app.crash:
        raise app.crash
    return app.return_code or 0


def _training(places: Places) -> Training:
    def train_here(network: Network, control: Control, emit: Emit) -> None:
        train(network, control, emit, data_dir=places.data_of(network.data), runs_dir=places.runs)

    return Training(Session(train_here), places)


def _apply_settings(app: CnnTuiApp) -> None:
    """Put on the theme of the user's settings, and report those that are wrong."""
    theme, trouble = settings.theme(os.environ)
    few = app.link.color == "16" or app.console.color_system == "standard"
    app.wear(theme or DARK.name, few_colors=few)
    for line in _short(list(filter(None, (trouble, *settings.troubles())))):
        app.call_later(app.notify, line, severity="warning", timeout=20)


def _short(troubles: list[str]) -> list[str]:
    """Leave two lines at most, as more would hide the screen; the second says where all are."""
    if len(troubles) <= 2:
        return troubles
    return [troubles[0], f"{len(troubles) - 1} more settings are wrong: cnn-tui doctor lists them."]


def _runs_of(watched: WatchRun | WatchSweep | PlayDemo | None) -> Path:
    match watched:
        case WatchSweep():
            return watched.folder.runs
        case WatchRun():
            from cnn_tui.engine.runs.folder import RunFolder

            source = watched.source
            return source.path.parent if isinstance(source, RunFolder) else runs_home()
        case _:
            return runs_home()
