"""``cnn-tui train ARCH``."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.memory_estimate import check_memory
from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.recorder import Policy, Recorder
from cnn_tui.engine.runs.train import new_run
from cnn_tui.engine.specs.network import COMPUTING, Network, ResizeRule
from cnn_tui.engine.specs.values import value_problems
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.snapshot import Weights
from cnn_tui.engine.transforms.fine_tune import starting_weights, with_new_head
from cnn_tui.tui.cli import completing, options, resume
from cnn_tui.tui.cli.headless import train
from cnn_tui.tui.cli.loading import load_for
from cnn_tui.tui.cli.option_groups import Computing, Extras, Reading, computing, reading
from cnn_tui.tui.cli.reporters import reporter
from cnn_tui.tui.cli.together import begun_before, follow_to_the_end
from cnn_tui.tui.history.hangup import OnHangup


@click.command("train")
@click.argument("arch", shell_complete=completing.archs, required=False)
@click.option(
    "--from",
    "origin",
    metavar="RUN",
    shell_complete=completing.runs,
    help="Begin with the best weights of this run.",
)
@click.option(
    "--freeze", metavar="LAYER", help="Leave the layers up to this one as they are; none: ''."
)
@click.option(
    "--new-head",
    type=click.IntRange(2, 65536),
    metavar="CLASSES",
    help="With --from: a new last layer for N classes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
@options.data
@reading
@click.option("--epochs", type=int, metavar="N", help="Passes over the training images.")
@click.option("--batch-size", type=int, metavar="N", help="Images per step.")
@click.option("--lr", type=float, metavar="X", help="Learning rate.")
@click.option("--seed", type=int, metavar="N", help="Seed of weights, order and dropout.")
@click.option(
    "--keep-every", type=int, metavar="N", help="Keep the state of every Nth epoch for good."
)
@options.limit
@options.per_class
@click.option(
    "--resize",
    type=click.Choice(get_args(ResizeRule)),
    help="How pictures of a folder get the size of the input.",
)
@computing
@options.threads
@options.log_every
@options.checkpoint_every
@options.runs_dir
@options.on_hangup
@options.tensorboard
@click.option("--no-record", is_flag=True, help="Write nothing of the run to disk.")
@click.option("--anyway", is_flag=True, help="Train even if free memory seems too small.")
def command(
    arch: str | None,
    origin: str | None,
    new_head: int | None,
    as_json: bool,
    data: str | None,
    reading: Reading,
    computing: Computing,
    threads: int,
    log_every: float | None,
    checkpoint_every: int | None,
    runs_dir: Path,
    no_record: bool,
    anyway: bool,
    on_hangup: OnHangup,
    tensorboard_dir: Path | None,
    **recipe: int | float | str | None,
) -> int:
    """Train the network ARCH, a preset or a TOML file, and print the progress.

    The options override the recipe of the file. INT and TERM stop the run after the current batch,
    a second INT at once. The run is kept in a folder: cnn-tui runs lists all runs, cnn-tui resume
    continues one.

    With --from the run begins with the weights of another one, whose network it has unless ARCH is
    given. Frozen layers cost no backward pass; their batch norms keep their statistics.
    """
    follow_to_the_end()
    if (begun := begun_before(runs_dir)) is not None:
        return _resume(begun)
    if no_record and tensorboard_dir:
        raise click.UsageError("--no-record writes nothing, --tensorboard does: choose one.")
    start = RunOrigin(open_run(runs_dir, origin)) if origin else None
    described = _described(arch, start, new_head)
    changes = {key: value for key, value in recipe.items() if value is not None}

    def change(network: Network) -> Network:
        changed = computing.applied(override(network, changes))
        return with_new_head(changed, new_head) if new_head else changed

    network, dataset, data_dir = load_for(described, data, reading, change)
    weights = start.weights(network, new_head=bool(new_head)) if start else None
    if not anyway:
        check_memory(network)
    extras = Extras(tensorboard_dir)
    policy = Policy(steps=checkpoint_every, sinks=extras.sinks())

    def keep(control: Control) -> Recorder:
        return new_run(
            runs_dir,
            network,
            dataset,
            control=control,
            data_dir=data_dir,
            policy=policy,
            weights=weights,
            origin=origin or "",
        )

    report = reporter(as_json=as_json, log_every=log_every)
    kept = None if no_record else keep
    return train(
        network, dataset, report, threads, kept, on_hangup, extras.options, weights=weights
    )


def _described(arch: str | None, start: RunOrigin | None, new_head: int | None) -> str | Network:
    """Return what is trained: ARCH, else the network of the run whose weights it begins with."""
    if start is None and new_head:
        raise click.UsageError("--new-head needs --from RUN: any other network has random weights.")
    if arch is not None:
        return arch
    if start is None:
        raise click.UsageError("Missing argument 'ARCH'. Only --from RUN has a network of its own.")
    return start.network


RECIPE = ("epochs", "batch_size", *COMPUTING)
"""Options of ``train`` and ``resume`` that the recipe of a begun run has already."""


def _resume(begun: RunFolder) -> int:
    """Resume a run that torchrun has begun before, with the options that ``resume`` has too."""
    context = click.get_current_context()
    known = {option.name for option in resume.command.params} - set(RECIPE)
    kept_on = {name: value for name, value in context.params.items() if name in known}
    return int(context.invoke(resume.command, run=begun.name, **kept_on))


class RunOrigin:
    """The run whose weights a training begins with."""

    def __init__(self, folder: RunFolder) -> None:
        self._state = read_state(folder)

    @property
    def network(self) -> Network:
        """The network of the run."""
        return self._state.network

    def weights(self, network: Network, *, new_head: bool) -> Weights:
        """The weights of the run for a network, by its names."""
        state = self._state
        return starting_weights(network, state.network, state.weights, new_head=new_head)


def override(network: Network, changes: dict[str, int | float | str]) -> Network:
    """Return the network with other values in its recipe, within the limits of the file format.

    Raises:
        click.BadParameter: A value is outside its limits.
    """
    changed = network.with_training(**changes)
    for problem in value_problems(changed):
        option = problem.path.removeprefix("training.").replace("_", "-")
        raise click.BadParameter(f"{problem.text}.", param_hint=f"--{option}")
    return changed
