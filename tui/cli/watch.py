"""``cnn-tui watch [RUN]``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.history import latest_run
from cnn_tui.engine.training.events import RunEnded
from cnn_tui.tui.cli import options
from cnn_tui.tui.cli.output import print_line
from cnn_tui.tui.cli.reporters import report_json, report_lines

_PAUSE = 0.5
"""Seconds between looks."""


@click.command("watch")
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
@options.runs_dir
def command(run: str | None, as_json: bool, runs_dir: Path) -> None:
    """Print how RUN goes, as train does, until it ends; the run last worked on if none is named.

    Any number of people may watch, also after the end. Leaving with ctrl+c does nothing to RUN.
    """
    folder = open_run(runs_dir, run) if run else latest_run(runs_dir)
    report = report_json if as_json else report_lines
    follower = Follower(folder)
    while True:
        # Asked first: what was written before the end is then read below.
        over = follower.over
        for event in follower.poll():
            report(event)
        if over or isinstance(follower.last, RunEnded):
            break
        time.sleep(_PAUSE)
    if not as_json and not isinstance(follower.last, RunEnded):
        print_line(_crash(folder, follower.step))


def _crash(folder: RunFolder, step: int) -> str:
    return (
        f"crashed after step {step:,} or later: its process is gone without a word; "
        f"cnn-tui resume {folder.name} goes on"
    )
