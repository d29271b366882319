"""``cnn-tui runs``: the list of runs, and commands on one of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import click
import msgspec

from cnn_tui.engine.runs import manage, requests
from cnn_tui.engine.runs.cleanup import list_bin
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.history import Order, RunEntry, list_runs, matches, sort_runs
from cnn_tui.engine.sweeps.folder import list_sweeps
from cnn_tui.tui.cli import completing, options, runs_disk
from cnn_tui.tui.cli.output import print_json, print_line, print_table
from cnn_tui.tui.dashboard.series import sparkline
from cnn_tui.tui.history.sweep_folds import (
    NO_FOLDS,
    Folds,
    best_of,
    folded,
    folds_of,
    sweep_of,
)
from cnn_tui.tui.words import count, epochs_words, megabytes, percent

_CURVE = 16
_LEFT = ("run", "state", "network", "data", "val accuracy", "tags")


@click.group("runs", invoke_without_command=True)
@click.option(
    "--sort",
    type=click.Choice(get_args(Order)),
    default="created",
    show_default=True,
    help="Order of the list.",
)
@click.option("--filter", "words", metavar="WORDS", default="", help="List only runs that match.")
@click.option("--size", is_flag=True, help="Add disk space, per run and in total.")
@click.option("--all", "all_", is_flag=True, help="List the runs of sweeps one by one.")
@options.as_json
@options.runs_dir
@click.pass_context
def command(
    context: click.Context,
    sort: Order,
    words: str,
    size: bool,
    all_: bool,
    as_json: bool,
    runs_dir: Path,
) -> None:
    """List the runs, the newest first; or do something with one of them.

    WORDS are searched in names, networks, data, states, tags and notes. A sweep has one line, with
    its number of runs and the best of them, unless WORDS name its runs.
    """
    context.obj = runs_dir
    if context.invoked_subcommand is not None:
        return
    entries = sort_runs(list_runs(runs_dir, sizes=size), sort)
    entries = [entry for entry in entries if matches(entry, words)]
    sweeps = {folder.name for folder in list_sweeps(runs_dir)}
    if as_json:
        own = ({"sweep": sweep_of(entry.name, sweeps)} for entry in entries)
        print_json([msgspec.structs.asdict(e) | s for e, s in zip(entries, own, strict=True)])
    elif not entries:
        print_line(f"No runs in {runs_dir}." if not words else f"No run matches {words!r}.")
    else:
        folds = NO_FOLDS if all_ or words else folds_of(entries, sweeps)
        listed = list(folded(entries, folds, ()))
        _print_listed(listed, folds, size)
        if folds:
            print_line("cnn-tui runs --all lists the runs of sweeps one by one.")
        if any(isinstance(one, RunEntry) and one.state == "failed" for one in listed):
            print_line("cnn-tui watch RUN says why a run failed.")
        if size:
            print_line(_used(entries, runs_dir))


for _one in runs_disk.COMMANDS:
    command.add_command(_one)


@command.command("rename")
@click.argument("run", shell_complete=completing.runs)
@click.argument("name")
@click.pass_obj
def rename(root: Path, run: str, name: str) -> None:
    """Give RUN another name."""
    manage.rename_run(open_run(root, run), name)


@command.command("delete")
@click.argument("runs", shell_complete=completing.runs, nargs=-1, required=True)
@click.pass_obj
def delete(root: Path, runs: tuple[str, ...]) -> None:
    """Move runs to the bin."""
    for folder in [open_run(root, run) for run in runs]:
        where = manage.delete_run(folder)
        print_line(
            f"{folder.name} is in the bin; cnn-tui runs restore {where.name} brings it back."
        )


@command.command("tag")
@click.argument("run", shell_complete=completing.runs)
@click.argument("tags", nargs=-1)
@click.pass_obj
def tag(root: Path, run: str, tags: tuple[str, ...]) -> None:
    """Replace the tags of RUN."""
    manage.annotate(open_run(root, run), tags=tags)


@command.command("note")
@click.argument("run", shell_complete=completing.runs)
@click.argument("text")
@click.pass_obj
def note(root: Path, run: str, text: str) -> None:
    """Replace the note on RUN."""
    manage.annotate(open_run(root, run), note=text)


@command.command("pause")
@click.argument("run", shell_complete=completing.runs)
@click.pass_obj
def pause(root: Path, run: str) -> None:
    """Pause the trainer of RUN after its current batch."""
    _ask(root, run, requests.Request("pause"))


@command.command("continue")
@click.argument("run", shell_complete=completing.runs)
@click.pass_obj
def continue_(root: Path, run: str) -> None:
    """Continue the paused trainer of RUN; cnn-tui resume is for a run that has ended."""
    _ask(root, run, requests.Request("resume"))


@command.command("stop")
@click.argument("run", shell_complete=completing.runs)
@click.pass_obj
def stop(root: Path, run: str) -> None:
    """Stop the trainer of RUN after its current batch, with a checkpoint."""
    _ask(root, run, requests.Request("stop"))


@command.command("lr")
@click.argument("run", shell_complete=completing.runs)
@click.argument("value", type=click.FloatRange(0, 1e6, min_open=True))
@click.pass_obj
def lr(root: Path, run: str, value: float) -> None:
    """Change the learning rate of RUN while it is training."""
    _ask(root, run, requests.Request("lr", value))


def _ask(root: Path, run: str, request: requests.Request) -> None:
    folder = open_run(root, run)
    print_line(f"{run} {requests.send(folder, request)}.")


def _used(entries: list[RunEntry], root: Path) -> str:
    used = megabytes(sum(entry.bytes or 0 for entry in entries))
    binned = list_bin(root)
    bin_ = f"; in the bin {count(len(binned), 'run')}, {megabytes(sum(b.bytes for b in binned))} MB"
    hint = "; cnn-tui runs clean lists what can be deleted"
    return f"{count(len(entries), 'run')}, {used} MB{bin_ if binned else ''}{hint}."


def _print_listed(listed: Sequence[RunEntry | str], folds: Folds, size: bool) -> None:
    header = ["run", "state", "network", "data", "epochs", "best val", "test", "val accuracy"]
    tagged = any(isinstance(one, RunEntry) and one.tags for one in listed)
    header += ["MB"] * size + ["tags"] * tagged
    rows = [
        _sweep_row(one, folds[one], header) if isinstance(one, str) else _row(one, header)
        for one in listed
    ]
    print_table(
        header,
        rows,
        right=[name for name in header if name not in _LEFT],
        wrap=("tags",),
        spare=("val accuracy", "network"),
    )


def _sweep_row(sweep: str, trials: Sequence[RunEntry], header: list[str]) -> tuple[str, ...]:
    """The row of the best run, with the name of the sweep, its number of runs and their size."""
    best = dict(zip(header, _row(best_of(trials), header), strict=True))
    size = megabytes(sum(trial.bytes or 0 for trial in trials))
    own = {"run": sweep, "state": count(len(trials), "run"), "epochs": "", "MB": size, "tags": ""}
    return tuple((best | own)[name] for name in header)


def _row(entry: RunEntry, header: list[str]) -> tuple[str, ...]:
    summary = entry.summary
    return (
        entry.name,
        entry.shown_state,
        summary.arch,
        summary.data,
        epochs_words(summary.epoch, summary.epochs),
        percent(summary.best_val_accuracy, 2),
        percent(summary.test_accuracy, 2),
        sparkline(summary.curve, _CURVE, sys.stdout.encoding),
        *[megabytes(entry.bytes or 0)] * ("MB" in header),
        *[" ".join(entry.tags)] * ("tags" in header),
    )
