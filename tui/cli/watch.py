"""``cnn-tui watch [RUN]``."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.history import latest_run
from cnn_tui.engine.training.events import RunEnded
from cnn_tui.tui.cli import completing, link_options, options
from cnn_tui.tui.cli.output import has_terminal, print_line
from cnn_tui.tui.cli.reporters import JSONReporter, Reporter
from cnn_tui.tui.cli.stopping import ended_by_signals
from cnn_tui.tui.keymap import use_own_keys
from cnn_tui.tui.terminal.link import Link, prepare

_PAUSE = 0.5
"""Seconds between looks."""


@click.command("watch")
@click.argument("run", shell_complete=completing.runs, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
@options.runs_dir
@link_options.link
def command(run: str | None, as_json: bool, runs_dir: Path, link: Link) -> int:
    """Show the progress of RUN until it ends, by default of the run last worked on.

    On a terminal it opens the screen of the app, from which RUN can be controlled; elsewhere, and
    with --json, it prints as train does. Any number of people may watch, also after the end.
    Leaving does not affect RUN.
    """
    folder = open_run(runs_dir, run) if run else latest_run(runs_dir)
    if has_terminal() and not as_json:
        return _open_app(folder, link)
    with ended_by_signals():
        _follow(folder, JSONReporter() if as_json else Reporter(), as_json)
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


def _open_app(folder: RunFolder, link: Link) -> int:
    prepare(link, os.environ)
    use_own_keys()
    # Textual reads the prepared environment when it is imported.
    from cnn_tui.tui.cli.app import run_app

    return run_app(folder.network(), None, link=link, watched=folder)


def _crash(folder: RunFolder, step: int) -> str:
    return (
        f"crashed after step {step:,}: the process ended without finishing the run; "
        f"cnn-tui resume {folder.name} continues it"
    )
