"""``cnn-tui sweep watch [SWEEP]``."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from cnn_tui.engine.decoding import UnreadableError, reader
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.follow import Tail
from cnn_tui.engine.sweeps.folder import SweepFolder, list_sweeps, open_sweep
from cnn_tui.engine.sweeps.lines import SweepLine
from cnn_tui.engine.sweeps.state import read_sweep
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import has_terminal, print_json
from cnn_tui.tui.cli.stopping import ended_by_signals
from cnn_tui.tui.cli.sweep_lines import SweepReporter
from cnn_tui.tui.cli.sweep_tables import print_state
from cnn_tui.tui.terminal.link import link_for, prepare

_PAUSE = 0.5
"""Seconds between looks."""
_read = reader(SweepLine)


@click.command("watch")
@click.argument("sweep", required=False, shell_complete=completing.sweeps)
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
@options.runs_dir
def watch(sweep: str | None, as_json: bool, runs_dir: Path) -> int:
    """Show SWEEP until it ends, by default the one that was written last.

    On a terminal it opens the screen of the app, from which SWEEP can be controlled; elsewhere, and
    with --json, it prints as the sweep itself does. Any number of people may watch, also after the
    end. Leaving does not affect SWEEP.
    """
    folder = open_sweep(runs_dir, sweep) if sweep else _latest(runs_dir)
    if has_terminal() and not as_json:
        return _open_app(folder)
    with ended_by_signals():
        _follow(folder, as_json=as_json)
    return 0


def _latest(root: Path) -> SweepFolder:
    folders = list_sweeps(root)
    if not folders:
        raise RunError(f"There is no sweep in {root}.", "cnn-tui sweep FILE begins one.")
    return folders[0]


def _follow(folder: SweepFolder, *, as_json: bool) -> None:
    reporter = SweepReporter(folder.name, as_json=as_json)
    tail = Tail(folder.trials_file)
    over = False
    while True:
        for text in tail.lines(tail.size()):
            try:
                reporter.tell(_read(text))
            except UnreadableError:
                continue  # a line of a later version
        if over:
            break
        # Lines that were written before the end are still read above.
        over = read_sweep(folder).phase != "running"
        time.sleep(0 if over else _PAUSE)
    state = read_sweep(folder)
    if as_json:
        end = {"event": "sweep_ended", "sweep": folder.name, "phase": state.phase}
        print_json({**end, "best": state.best, "message": state.message, "refused": state.refused})
    else:
        print_state(state)


def _open_app(folder: SweepFolder) -> int:
    link = link_for(os.environ, getattr(sys.stderr, "encoding", "") or "")
    prepare(link, os.environ)
    # Textual reads the prepared environment when it is imported.
    from cnn_tui.tui.cli.app import run_app
    from cnn_tui.tui.messages import WatchSweep

    return run_app(None, None, link=link, watched=WatchSweep(folder))
