"""``cnn-tui resume RUN``."""

from __future__ import annotations

from pathlib import Path

import click

from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.runs.resume import data_folder, resume_run, with_epochs
from cnn_tui.engine.training.fit import check_fit
from cnn_tui.tui.cli import options
from cnn_tui.tui.cli.headless import train
from cnn_tui.tui.cli.loading import load
from cnn_tui.tui.cli.reporters import reporter
from cnn_tui.tui.history.hangup import OnHangup


@click.command("resume")
@click.argument("run")
@click.option("--epochs", type=click.IntRange(1, 100_000), metavar="N", help="Train up to epoch N.")
@options.threads
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the data is now, if it was moved.",
)
@options.log_every
@options.checkpoint_every
@options.runs_dir
@options.on_hangup
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
def command(
    run: str,
    epochs: int | None,
    threads: int | None,
    data_dir: Path | None,
    log_every: float | None,
    checkpoint_every: int | None,
    runs_dir: Path,
    on_hangup: OnHangup,
    as_json: bool,
) -> int:
    """Go on with RUN from its furthest checkpoint, to the same bits as if it had never ended."""
    folder = open_run(runs_dir, run)
    network = with_epochs(folder.network(), epochs)
    # Damaged pictures cannot go unnoticed: the data must be what the run began with.
    dataset = load(network.data, data_folder(folder, data_dir), network.input, skip_damaged=True)
    check_fit(network, dataset)
    policy = Policy(steps=checkpoint_every)
    with reporter(as_json=as_json, log_every=log_every) as report:
        return train(
            network,
            dataset,
            report,
            threads,
            lambda control: resume_run(folder, network, dataset, control=control, policy=policy),
            on_hangup=on_hangup,
        )
