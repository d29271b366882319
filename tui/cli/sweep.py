"""``cnn-tui sweep``: many runs of one file, and commands on a sweep."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.specs.files import replace_bytes
from cnn_tui.engine.sweeps.folder import list_sweeps, open_sweep
from cnn_tui.engine.sweeps.plan import SweepPlan, load_sweep, sweep_presets
from cnn_tui.engine.sweeps.requests import MOST_TRIALS, SweepRequest, ask_sweep
from cnn_tui.engine.sweeps.state import read_sweep
from cnn_tui.engine.sweeps.trying import MOST_TRIED, look_at
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_json, print_line, print_note
from cnn_tui.tui.cli.sweep_tables import print_look, print_state, print_sweeps
from cnn_tui.tui.cli.sweep_watch import watch

if TYPE_CHECKING:
    # Importing it takes a second: Dask, Optuna and NumPy.
    from cnn_tui.engine.sweeps.cluster import Cluster


Handler = TypeVar("Handler", bound=Callable[..., int])


class SweepGroup(click.Group):
    """Commands on a sweep; any other word is the file of a new one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = [*self.commands, "-h", "--help"]
        if not args:
            args = ["list"]
        elif args[0] not in words:
            args = ["begin", *args]
        return super().parse_args(ctx, args)


_FEW = 10
"""Points that are tried before a sweep begins, which is not to wait for them."""


@click.group(
    "sweep",
    cls=SweepGroup,
    subcommand_metavar="FILE | COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Train many runs of one FILE, a sweep, and find the best; without FILE list the sweeps.

    FILE says in TOML what to change in an architecture or its recipe, and how to choose: see
    docs/sweeps.md, or begin with one of those in the package, such as lenet5-lr.
    """


def _where(function: Handler) -> Handler:
    """The options that say on which machines a sweep is trained."""
    for option in (
        click.option(
            "--workers",
            type=click.IntRange(1, 1024),
            metavar="N",
            help="Processes of this machine (default: one a core).",
        ),
        click.option(
            "--scheduler", metavar="ADDRESS", default="", help="A Dask scheduler, tcp://host:8786."
        ),
        click.option(
            "--tls",
            nargs=3,
            type=options.PATH,
            metavar="CA CERT KEY",
            help="Files for a scheduler at tls://host:8786.",
        ),
        options.checkpoint_every,
        options.runs_dir,
        click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON."),
    ):
        function = option(function)
    return function


@command.command("begin", hidden=True)
@click.argument("file", shell_complete=completing.files)
@click.option(
    "--trials",
    type=click.IntRange(1, MOST_TRIALS),
    metavar="N",
    help="Number of trials, in place of the file's.",
)
@click.option("--dry-run", is_flag=True, help="Train nothing: say what would be, and what fits.")
@options.data_dir
@_where
def begin(
    file: str,
    trials: int | None,
    dry_run: bool,
    data_dir: Path | None,
    workers: int | None,
    scheduler: str,
    tls: tuple[Path, Path, Path] | None,
    checkpoint_every: int | None,
    runs_dir: Path,
    as_json: bool,
) -> int:
    """Begin the sweep of FILE."""
    plan = load_sweep(file)
    if trials is not None:
        plan = plan.with_trials(trials)
    look = look_at(plan, MOST_TRIED if dry_run else _FEW)
    for sentence in look.unused:
        print_note(sentence)
    if dry_run:
        if as_json:
            print_json(look)
        else:
            print_look(plan, look)
        return 0
    from cnn_tui.engine.sweeps.begin import new_sweep, plan_of, require_extra

    require_extra()
    from cnn_tui.tui.cli.loading import load_data
    from cnn_tui.tui.cli.sweep_lead import lead, stopped_by_signals

    network, dataset, place = load_data(plan.base, data_dir)
    plan = plan._replace(base=network)
    with stopped_by_signals() as ending, _placed(workers, scheduler, tls, plan) as at:
        folder = new_sweep(runs_dir, plan, place)
        return lead(folder, plan_of(folder), at, dataset, ending, checkpoint_every, as_json=as_json)


@command.command("resume")
@click.argument("sweep", shell_complete=completing.sweeps)
@click.option(
    "--trials",
    type=click.IntRange(1, MOST_TRIALS),
    metavar="N",
    help="Continue until it has N trials in all, also if it is complete.",
)
@options.moved_data
@_where
def resume(
    sweep: str,
    trials: int | None,
    data_dir: Path | None,
    workers: int | None,
    scheduler: str,
    tls: tuple[Path, Path, Path] | None,
    checkpoint_every: int | None,
    runs_dir: Path,
    as_json: bool,
) -> int:
    """Continue SWEEP: what is finished is not repeated, what was begun continues."""
    folder = open_sweep(runs_dir, sweep)
    from cnn_tui.engine.sweeps.begin import extended, plan_of, require_extra

    require_extra()
    from cnn_tui.tui.cli.loading import load_data
    from cnn_tui.tui.cli.sweep_lead import lead, stopped_by_signals

    recorded = folder.info().data_dir
    given = data_dir or (Path(recorded) if recorded else None)
    plan = plan_of(folder)
    if trials is not None:
        plan = extended(plan, read_sweep(folder), trials)
    _, dataset, _ = load_data(plan.base, given, skip_damaged=True)
    with stopped_by_signals() as ending, _placed(workers, scheduler, tls, plan) as at:
        return lead(folder, plan, at, dataset, ending, checkpoint_every, as_json=as_json)


@command.command("refine")
@click.argument("sweep", shell_complete=completing.sweeps)
@click.option("-o", "--output", type=options.PATH, metavar="FILE", help="Where the new file goes.")
@click.option("--epochs", type=click.IntRange(1, 100_000), metavar="N", help="Epochs of each run.")
@options.runs_dir
def refine_(sweep: str, output: Path | None, epochs: int | None, runs_dir: Path) -> None:
    """Write the file of a finer sweep, around the best trials of SWEEP."""
    from cnn_tui.engine.sweeps.begin import plan_of
    from cnn_tui.engine.sweeps.writing import dumps_sweep, refine

    folder = open_sweep(runs_dir, sweep)
    finer = refine(plan_of(folder), read_sweep(folder), epochs)
    path = output or Path(f"{finer.name}.toml")
    if path.exists() and output is None:
        raise click.UsageError(f"{path} exists; choose another name with --output.")
    replace_bytes(path, dumps_sweep(finer).encode())
    print_line(f"{path} searches around the best of {sweep}: cnn-tui sweep {path}")


command.add_command(watch)


@command.command("list")
@options.as_json
@options.runs_dir
def list_(as_json: bool, runs_dir: Path) -> None:
    """List the sweeps, the one that was written last first."""
    states = [read_sweep(folder) for folder in list_sweeps(runs_dir)]
    if as_json:
        print_json(states)
    elif not states:
        print_line(
            f"No sweeps in {runs_dir}. cnn-tui sweep FILE begins one; in the package are "
            f"{', '.join(sweep_presets())}."
        )
    else:
        print_sweeps(states)


@command.command("show")
@click.argument("sweep", shell_complete=completing.sweeps)
@options.as_json
@options.runs_dir
def show(sweep: str, as_json: bool, runs_dir: Path) -> None:
    """Show the trials of SWEEP, the best first."""
    state = read_sweep(open_sweep(runs_dir, sweep))
    if as_json:
        print_json(state)
    else:
        print_state(state)


@command.command("prune")
@click.argument("sweep", shell_complete=completing.sweeps)
@click.argument("trial", type=click.IntRange(0))
@options.runs_dir
def prune(sweep: str, trial: int, runs_dir: Path) -> None:
    """End TRIAL of a running SWEEP after its current batch."""
    _ask(runs_dir, sweep, SweepRequest("prune", number=trial))


@command.command("stop")
@click.argument("sweep", shell_complete=completing.sweeps)
@options.runs_dir
def stop(sweep: str, runs_dir: Path) -> None:
    """Stop SWEEP after the current batches; resume continues it."""
    _ask(runs_dir, sweep, SweepRequest("stop"))


@command.command("add")
@click.argument("sweep", shell_complete=completing.sweeps)
@click.argument("trials", type=click.IntRange(1, MOST_TRIALS))
@options.runs_dir
def add(sweep: str, trials: int, runs_dir: Path) -> None:
    """Add TRIALS to a running SWEEP."""
    folder = open_sweep(runs_dir, sweep)
    if not folder.coordinated:
        more = read_sweep(folder).total + trials
        raise RunError(
            f"The sweep {sweep} is not running now.",
            f"cnn-tui sweep resume {sweep} --trials {more} continues it with these.",
        )
    _ask(runs_dir, sweep, SweepRequest("add", trials=trials))


def _ask(root: Path, sweep: str, request: SweepRequest) -> None:
    print_line(f"{sweep} {ask_sweep(open_sweep(root, sweep), request)}.")


def _placed(
    workers: int | None, scheduler: str, tls: tuple[Path, Path, Path] | None, plan: SweepPlan
) -> AbstractContextManager[Cluster]:
    """Return the cluster of the options, to be entered."""
    from cnn_tui.engine.sweeps.cluster import Tls
    from cnn_tui.engine.sweeps.leading import Placement

    return Placement(workers, scheduler, Tls(*tls) if tls else None).cluster(plan)
