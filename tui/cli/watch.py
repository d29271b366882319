"""``cnn-tui watch [RUN]``."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.recording.logs import ForeignLog
from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.history import latest_run
from cnn_tui.engine.training.events import RunEnded, RunStarted
from cnn_tui.tui.cli import completing, link_options, options
from cnn_tui.tui.cli.output import has_terminal, print_line
from cnn_tui.tui.cli.reporters import JSONReporter, Reporter
from cnn_tui.tui.cli.stopping import ended_by_signals
from cnn_tui.tui.keymap import use_own_keys
from cnn_tui.tui.terminal.link import Link, prepare

_PATH = options.PATH
_EVERY = 10.0
"""Seconds of training between two printed steps of event files."""
_PAUSE = 0.5
"""Seconds between looks."""


@click.command("watch")
@click.argument("run", shell_complete=completing.runs, required=False)
@click.option("--tensorboard", type=_PATH, metavar="DIR", help="Show event files instead.")
@click.option("--csv", "as_csv", type=_PATH, metavar="FILE", help="Show a table instead.")
@click.option("--jsonl", type=_PATH, metavar="FILE", help="Show lines of JSON instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
@options.runs_dir
@link_options.link
def command(
    run: str | None,
    tensorboard: Path | None,
    as_csv: Path | None,
    jsonl: Path | None,
    as_json: bool,
    runs_dir: Path,
    link: Link,
) -> int:
    """Show the progress of RUN until it ends, by default of the run last worked on.

    On a terminal it opens the screen of the app, from which RUN can be controlled; elsewhere, and
    with --json, it prints as train does. Any number of people may watch, also after the end.
    Leaving does not affect RUN.

    --tensorboard, --csv and --jsonl show what another program has logged, live on a terminal, and
    elsewhere what there is. A table has a header, such as epoch,loss,val_loss.
    """
    given = {"tensorboard": tensorboard, "csv": as_csv, "jsonl": jsonl}
    logs = {form: path for form, path in given.items() if path is not None}
    if logs:
        if run or len(logs) > 1:
            raise click.UsageError("Name a run or one log, not both.")
        ((form, path),) = logs.items()
        # Tables tell no time.
        return _show_log(_log(form, path), _EVERY if tensorboard else 0.0, as_json, link)
    folder = open_run(runs_dir, run) if run else latest_run(runs_dir)
    if has_terminal() and not as_json:
        return _open_app(folder, link)
    with ended_by_signals():
        _follow(folder, JSONReporter() if as_json else Reporter(), as_json)
    return 0


def _log(form: str, path: Path) -> ForeignLog:
    from cnn_tui.engine.recording.log_events import TensorBoardLog
    from cnn_tui.engine.recording.log_tables import TableLog

    return TensorBoardLog(path) if form == "tensorboard" else TableLog(path, form)


def _show_log(log: ForeignLog, every: float, as_json: bool, link: Link) -> int:
    if has_terminal() and not as_json:
        return _open_app(log, link)
    reporter = JSONReporter(every) if as_json else Reporter(every)
    shown = False
    with ended_by_signals():
        while True:
            for event in log.poll():
                shown = True
                if isinstance(event, RunStarted) and event.batches == 1 and not as_json:
                    reporter = Reporter()  # a row is an epoch, whose line says it all
                if reporter.wants(event):
                    reporter.show(event)
            if not log.behind:
                break
    if not shown:
        raise RunError(f"{log.path} has no figures yet.")
    return 0


def _follow(folder: RunFolder, reporter: Reporter, as_json: bool) -> None:
    follower = Follower(folder)
    while True:
        # Checked first, so that events written before the end are still read below.
        over = follower.over
        for event in filter(reporter.wants, follower.poll()):
            reporter.show(event)
        if over or isinstance(follower.last, RunEnded):
            break
        time.sleep(_PAUSE)
    if not as_json and not isinstance(follower.last, RunEnded):
        print_line(_crash(folder, follower.step))


def _open_app(source: RunFolder | ForeignLog, link: Link) -> int:
    prepare(link, os.environ)
    use_own_keys()
    # Textual reads the prepared environment when it is imported.
    from cnn_tui.tui.cli.app import run_app
    from cnn_tui.tui.messages import WatchRun

    network = None
    if isinstance(source, RunFolder) and not source.info().program:
        network = source.network()
    return run_app(network, None, link=link, watched=WatchRun(source))


def _crash(folder: RunFolder, step: int) -> str:
    words = f"crashed after step {step:,}: the process ended without finishing the run"
    return words if folder.info().program else f"{words}; cnn-tui resume {folder.name} continues it"
