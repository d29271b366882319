"""``cnn-tui resume RUN``."""

from __future__ import annotations

from pathlib import Path

import click

from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.recorder import Policy, Recorder
from cnn_tui.engine.runs.train import (
    data_folder,
    is_at_its_end,
    require_further,
    resume_run,
    with_epochs,
)
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.headless import train
from cnn_tui.tui.cli.loading import load_compatible
from cnn_tui.tui.cli.option_groups import Computing, Extras, computing
from cnn_tui.tui.cli.output import print_note
from cnn_tui.tui.cli.reporters import reporter
from cnn_tui.tui.cli.together import follow_to_the_end
from cnn_tui.tui.history.hangup import OnHangup


@click.command("resume")
@click.argument("run", shell_complete=completing.runs)
@click.option("--epochs", type=click.IntRange(1, 100_000), metavar="N", help="Train up to epoch N.")
@click.option(
    "--batch-size", type=click.IntRange(1, 65536), metavar="N", help="Images per step from now on."
)
@computing
@options.threads
@click.option(
    "--from",
    "from_step",
    type=click.IntRange(0),
    metavar="STEP",
    help="Resume from the checkpoint of this step; later steps are discarded.",
)
@options.moved_data
@options.log_every
@options.checkpoint_every
@options.runs_dir
@options.on_hangup
@options.tensorboard
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
def command(
    run: str,
    epochs: int | None,
    batch_size: int | None,
    from_step: int | None,
    computing: Computing,
    threads: int,
    data_dir: Path | None,
    log_every: float | None,
    checkpoint_every: int | None,
    runs_dir: Path,
    on_hangup: OnHangup,
    tensorboard_dir: Path | None,
    as_json: bool,
) -> int:
    """Resume RUN from its latest checkpoint, to the same bits as if it had never stopped.

    With --engine it continues on another engine, to the same weights but for rounding. With
    --batch-size it continues with larger or smaller batches, as if they were changed while it runs.

    cnn-tui runs states RUN lists the other checkpoints.
    """
    follow_to_the_end()
    folder = open_run(runs_dir, run)
    if epochs is not None:
        require_further(folder, epochs, from_step)
    network = computing.applied(with_epochs(folder.network(), epochs))
    # Damaged pictures cannot pass unnoticed: the data must equal those of the run.
    _, dataset, _ = load_compatible(network, data_folder(folder, data_dir), skip_damaged=True)
    if from_step is None and is_at_its_end(folder, network.training.epochs):
        total = network.training.epochs
        print_note(f"{run} has all its {total} epochs: a larger --epochs continues it")
    extras = Extras(tensorboard_dir)
    policy = Policy(steps=checkpoint_every, sinks=extras.sinks())

    def keep(control: Control) -> Recorder:
        if batch_size is not None:
            control.set("batch_size", batch_size)
        return resume_run(
            folder,
            network,
            dataset,
            control=control,
            policy=policy,
            from_step=from_step,
        )

    report = reporter(as_json=as_json, log_every=log_every)
    return train(network, dataset, report, threads, keep, on_hangup, extras.options)
