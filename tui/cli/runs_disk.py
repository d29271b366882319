"""``cnn-tui runs ...``: disk space, cleaning up, and the bin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs import manage
from cnn_tui.engine.runs.cleanup import KINDS, Kind, Reclaimable, clean_up, list_bin, spares
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_json, print_line, print_table
from cnn_tui.tui.history.run_rows import spare_words, state_words
from cnn_tui.tui.words import megabytes

_yes = click.option("--yes", is_flag=True, help="Delete without asking.")


@click.command("states")
@click.argument("run", shell_complete=completing.runs)
@options.as_json
@click.pass_obj
def states(root: Path, run: str, as_json: bool) -> None:
    """List the checkpoints from which resume RUN --from STEP can continue."""
    # The other commands need no arrays, and importing NumPy takes longer than they do.
    from cnn_tui.engine.runs.checkpoints import kept_states

    states = kept_states(open_run(root, run))
    if as_json:
        print_json(states)
    elif not states:
        print_line(f"{run} has no readable checkpoint.")
    else:
        rows = [
            (
                str(state.step),
                state_words(state),
                "best" if state.best else "",
                megabytes(state.bytes),
            )
            for state in states
        ]
        print_table(("step", "after", "", "MB"), rows, right=("step", "MB"))


@click.command("bin")
@options.as_json
@click.pass_obj
def bin_(root: Path, as_json: bool) -> None:
    """List the deleted runs; restore brings one back, empty-bin deletes them for good."""
    binned = list_bin(root)
    if as_json:
        print_json(binned)
    elif not binned:
        print_line("The bin is empty.")
    else:
        rows = [
            (
                run.name,
                run.arch,
                "" if run.best_val_accuracy is None else f"{run.best_val_accuracy:.2%}",
                megabytes(run.bytes),
            )
            for run in binned
        ]
        print_table(("run", "network", "best val", "MB"), rows, right=("best val", "MB"))


@click.command("restore")
@click.argument("run", shell_complete=completing.runs)
@click.pass_obj
def restore(root: Path, run: str) -> None:
    """Restore RUN from the bin."""
    print_line(f"{manage.restore_run(root, run).name} is restored.")


@click.command("empty-bin")
@_yes
@click.pass_obj
def empty_bin(root: Path, yes: bool) -> None:
    """Delete the runs in the bin for good, after printing their size."""
    _clean(root, ("bin",), yes=yes)


@click.command("clean")
@click.option("--bin", "bin_", is_flag=True, help="Only deleted runs.")
@click.option("--states", "states_", is_flag=True, help="Only checkpoints of completed runs.")
@_yes
@options.as_json
@click.pass_obj
def clean(root: Path, bin_: bool, states_: bool, yes: bool, as_json: bool) -> None:
    """List what can be deleted, and delete it for good after asking.

    That is the bin; all checkpoints but the best of completed runs, from which they could be
    resumed; and checkpoints set aside as damaged or rolled back. --json only lists, unless with
    --yes.
    """
    chosen = {"bin": bin_, "states": states_}
    kinds = tuple(kind for kind in KINDS if chosen.get(kind)) or KINDS
    if as_json:
        spare = _found(root, kinds)
        print_json({"freed": clean_up(spare) if yes else 0, "spare": spare})
        return
    _clean(root, kinds, yes=yes)


def _clean(root: Path, kinds: Sequence[Kind], *, yes: bool) -> None:
    reclaimable = _found(root, kinds)
    if not reclaimable:
        print_line("There is nothing to clean up." if len(kinds) > 1 else _NOTHING[kinds[0]])
        return
    for item in reclaimable:
        print_line(f"{spare_words(item)}: {megabytes(item.bytes)} MB")
    if not yes:
        _ask(reclaimable)
    print_line(f"{megabytes(clean_up(reclaimable))} MB freed.")


_NOTHING = {
    "bin": "The bin is empty.",
    "states": "No completed run has checkpoints to delete.",
    "leftovers": "No checkpoint was set aside.",
}


def _found(root: Path, kinds: Sequence[Kind]) -> list[Reclaimable]:
    return [spare for spare in spares(root) if spare.kind in kinds]


def _ask(reclaimable: Sequence[Reclaimable]) -> None:
    if not sys.stdin.isatty():
        raise RunError(
            "Nothing was deleted: there is no terminal to ask on.",
            "Add --yes to delete without asking.",
        )
    total = megabytes(sum(item.bytes for item in reclaimable))
    if not click.confirm(f"Delete this for good ({total} MB)?"):
        raise click.exceptions.Exit(1)


COMMANDS = (states, bin_, restore, empty_bin, clean)
